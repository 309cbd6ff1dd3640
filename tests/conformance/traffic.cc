#include "tests/conformance/traffic.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <thread>

namespace ferry::transports {

void PrintTo(Io outcome, std::ostream* out) {
  static constexpr std::array<const char*, 6> kNames{"kDone",        "kWouldBlock", "kTimedOut",
                                                     "kInterrupted", "kClosed",     "kFailed"};
  *out << kNames.at(static_cast<std::size_t>(outcome));
}

}  // namespace ferry::transports

namespace ferry::transports::testing {

namespace {

// Far above what any lane holds on its way: a fill() that gets here has no bound.
constexpr std::size_t kNoBound = std::size_t{64} << 20;

}  // namespace

std::vector<std::byte> stretch(std::size_t from, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = byte_at(from + i);
  return bytes;
}

std::string difference(std::span<const std::byte> bytes, std::size_t from) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == byte_at(from + i)) continue;
    return "byte " + std::to_string(from + i) + " of the stream is wrong";
  }
  return {};
}

IoResult write_once(Lane& lane, std::span<const std::byte> bytes,
                    std::span<const int> descriptors) {
  const iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return lane.write({&part, 1}, descriptors);
}

Io write_all(Lane& lane, std::span<const std::byte> bytes, std::span<const int> descriptors) {
  while (!bytes.empty()) {
    const IoResult io = write_once(lane, bytes, descriptors);
    if (io.outcome == Io::kDone) {
      bytes = bytes.subspan(io.bytes);
      descriptors = {};
      continue;
    }
    if (io.outcome != Io::kWouldBlock) return io.outcome;
    const IoResult waited = lane.wait_writable(kNever);
    if (waited.outcome != Io::kDone && waited.outcome != Io::kInterrupted) return waited.outcome;
    // Input ends the wait as well; who reads it is another thread.
    std::this_thread::yield();
  }
  return Io::kDone;
}

Io read_all(Lane& lane, std::span<std::byte> into) {
  while (!into.empty()) {
    const IoResult io = lane.read_parked(into, kNever);
    if (io.outcome == Io::kInterrupted) continue;
    if (io.outcome != Io::kDone) return io.outcome;
    into = into.subspan(io.bytes);
  }
  return Io::kDone;
}

void send_stream(Lane& lane, std::size_t bytes, std::size_t largest, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t sent = 0; sent < bytes;) {
    const auto piece = stretch(sent, std::min(1 + random(largest), bytes - sent));
    ASSERT_EQ(write_all(lane, piece), Io::kDone) << lane.failure();
    sent += piece.size();
  }
}

void expect_stream(Lane& lane, std::size_t bytes, std::size_t largest, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::byte> buffer(largest);
  for (std::size_t received = 0; received < bytes;) {
    const std::size_t size = std::min(1 + random(largest), bytes - received);
    const IoResult io = lane.read_parked(std::span(buffer).first(size), kNever);
    if (io.outcome == Io::kInterrupted) continue;
    ASSERT_EQ(io.outcome, Io::kDone) << lane.failure();
    ASSERT_LE(io.bytes, size);
    ASSERT_EQ(difference(std::span(buffer).first(io.bytes), received), "");
    received += io.bytes;
  }
}

std::size_t fill(Lane& lane) {
  std::size_t sent = 0;
  std::size_t largest = 3000;
  while (sent < kNoBound) {
    const IoResult io = write_once(lane, stretch(sent, std::min(1 + sent % 3000, largest)));
    if (io.outcome == Io::kWouldBlock && largest == 1) return sent;
    if (io.outcome == Io::kWouldBlock) {
      largest = 1;  // pipes take small writes whole or not at all: there may be room for less
      continue;
    }
    EXPECT_EQ(io.outcome, Io::kDone) << lane.failure();
    if (io.outcome != Io::kDone) return sent;
    sent += io.bytes;
  }
  ADD_FAILURE() << "the lane took " << sent << " bytes that nobody read";
  return sent;
}

std::size_t drain(Lane& lane, std::size_t from) {
  std::vector<std::byte> buffer(10'000);
  std::size_t received = 0;
  for (;;) {
    const IoResult io = lane.read(buffer);
    if (io.outcome != Io::kDone) return received;
    const std::string wrong = difference(std::span(buffer).first(io.bytes), from + received);
    EXPECT_EQ(wrong, "");
    received += io.bytes;
    if (!wrong.empty()) return received;
  }
}

}  // namespace ferry::transports::testing
