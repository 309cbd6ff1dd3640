// Descriptors beside the bytes: they belong to the frame that starts at the first byte of their
// write, are there once that byte was read, and come in order and in their number.
#include <array>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/limits.h>

#include "tests/conformance/lanes.h"
#include "tests/conformance/numbered_files.h"
#include "tests/conformance/traffic.h"

namespace ferry::transports::testing {
namespace {

class LaneDescriptors : public LaneTest {};
INSTANTIATE_TEST_SUITE_P(All, LaneDescriptors, ::testing::ValuesIn(all_lanes()), case_name);

TEST_P(LaneDescriptors, ArriveAndStayOurs) {
  connect();
  const auto files = numbered_files(7, 2);
  ASSERT_EQ(write_all(first(), stretch(0, 100), lent(files)), Io::kDone);
  expect_frame(second(), 0, 100, 7, 2);
  EXPECT_EQ(number_of(files[0]), 7U);
  EXPECT_EQ(number_of(files[1]), 8U);
}

TEST_P(LaneDescriptors, GoBehindWhatTheReceiverHasAlready) {
  connect();
  const auto files = numbered_files(1, 1);
  ASSERT_EQ(write_all(first(), stretch(0, 1), lent(files)), Io::kDone);
  std::array<std::byte, 1> byte{};
  ASSERT_EQ(read_all(second(), byte), Io::kDone);
  std::vector<UniqueFd> taken;
  taken.push_back(numbered_file(99));
  ASSERT_EQ(second().take_descriptors(1, taken), Status());
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(number_of(taken[0]), 99U);
  EXPECT_EQ(number_of(taken[1]), 1U);
}

TEST_P(LaneDescriptors, AreThereInAnyNumberAndWithABodyOfAnySize) {
  connect();
  std::size_t position = 0;
  std::uint64_t number = 0;
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{64},
                                  std::size_t{limits::kDescriptors}, std::size_t{3}}) {
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{8192}, std::size_t{8193},
                                    std::size_t{65'536}, std::size_t{1} << 20}) {
      const auto files = numbered_files(number, count);
      std::thread writer(
          [&] { EXPECT_EQ(write_all(first(), stretch(position, bytes), lent(files)), Io::kDone); });
      expect_frame(second(), position, bytes, number, count);
      writer.join();
      position += bytes;
      number += count;
    }
  }
}

TEST_P(LaneDescriptors, OfSmallFramesThatComeTogetherKeepTheirOrder) {
  connect();
  // Frames of 8 bytes; every third without descriptors, the others with 1, 2 or 3.
  const auto count_of = [](std::size_t frame) { return frame % 3 == 2 ? 0 : 1 + frame % 3; };
  constexpr std::size_t kFrames = 3000;
  std::atomic<std::size_t> read{0};
  std::thread writer([&] {
    for (std::size_t frame = 0; frame < kFrames; ++frame) {
      // The protocol's credit for descriptors, which a lane counts on.
      while (frame - read.load() >= limits::kUnreadDescriptorMessages) std::this_thread::yield();
      const auto files = numbered_files(frame * 10, count_of(frame));
      ASSERT_EQ(write_all(first(), stretch(frame * 8, 8), lent(files)), Io::kDone);
    }
  });
  std::vector<std::byte> buffer(4096);
  std::size_t filled = 0;
  while (read < kFrames) {
    const IoResult io = second().read_parked(std::span(buffer).subspan(filled), kNever);
    ASSERT_EQ(io.outcome, Io::kDone) << second().failure();
    filled += io.bytes;
    std::size_t used = 0;
    for (; filled - used >= 8; used += 8) {
      ASSERT_EQ(difference(std::span(buffer).subspan(used, 8), read * 8), "");
      if (count_of(read) > 0) expect_descriptors(second(), read * 10, count_of(read));
      ++read;
    }
    std::memmove(buffer.data(), buffer.data() + used, filled - used);
    filled -= used;
  }
  writer.join();
}

TEST_P(LaneDescriptors, OfAllTheMessagesThatMayBeUnreadWaitForTheirReader) {
  connect();
  std::size_t sent = 0;
  for (; sent < limits::kUnreadDescriptorMessages; ++sent) {
    const auto files = numbered_files(sent, 1);
    const IoResult io = write_once(first(), stretch(sent, 1), lent(files));
    if (io.outcome == Io::kWouldBlock) break;  // a lane of few messages
    ASSERT_EQ(io.outcome, Io::kDone);
  }
  ASSERT_GT(sent, 0U);
  std::vector<std::byte> all(sent);
  ASSERT_EQ(read_all(second(), all), Io::kDone);
  for (std::size_t i = 0; i < sent; ++i) expect_descriptors(second(), i, 1);
}

TEST_P(LaneDescriptors, OfAWriteThatFoundNoRoomGoOnceWhenItIsRepeated) {
  connect();
  const std::size_t sent = fill(first());
  const auto files = numbered_files(5, 2);
  const auto frame = stretch(sent, 10);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(write_once(first(), frame, lent(files)).outcome, Io::kWouldBlock);
  }
  ASSERT_EQ(drain(second(), 0), sent);
  ASSERT_EQ(write_all(first(), frame, lent(files)), Io::kDone);
  const auto more = numbered_files(20, 1);
  ASSERT_EQ(write_all(first(), stretch(sent + 10, 10), lent(more)), Io::kDone);
  expect_frame(second(), sent, 10, 5, 2);
  expect_frame(second(), sent + 10, 10, 20, 1);
}

TEST_P(LaneDescriptors, GoBothWaysAtOnce) {
  connect();
  constexpr std::size_t kFrames = 300;
  const auto half = [](Lane& lane, std::uint64_t out, std::uint64_t in) {
    for (std::size_t frame = 0; frame < kFrames; ++frame) {
      const auto files = numbered_files(out + frame, 1);
      ASSERT_EQ(write_all(lane, stretch(frame * 9, 9), lent(files)), Io::kDone);
      expect_frame(lane, frame * 9, 9, in + frame, 1);
    }
  };
  std::thread other([&] { half(second(), 1000, 2000); });
  half(first(), 2000, 1000);
  other.join();
}

class LaneDeathWithDescriptors : public LaneTest {};
INSTANTIATE_TEST_SUITE_P(All, LaneDeathWithDescriptors,
                         ::testing::ValuesIn(lanes_between_processes()), case_name);

TEST_P(LaneDeathWithDescriptors, OfTheSenderDoesNotLoseThem) {
  ForkedPeer peer(GetParam(), [](Lane& lane, const ForkedPeer::Stage& stage) {
    const auto files = numbered_files(30, 3);
    static_cast<void>(write_all(lane, stretch(0, 100), lent(files)));
    stage.reached();
    ForkedPeer::Stage::wait_for_kill();
  });
  ASSERT_TRUE(peer.wait_for_stage());
  peer.kill();
  expect_frame(peer.lane(), 0, 100, 30, 3);
  std::array<std::byte, 1> byte{};
  EXPECT_EQ(peer.lane().read_parked(byte, kNever).outcome, Io::kClosed);
}

TEST_P(LaneDeathWithDescriptors, AtAnyMomentLeaksNothing) {
  for (int round = 0; round < 5; ++round) {
    ForkedPeer peer(GetParam(), [](Lane& lane, const ForkedPeer::Stage& stage) {
      const auto files = numbered_files(30, 3);
      std::array<std::byte, 1> credit{};
      for (std::size_t frame = 0;; ++frame) {
        static_cast<void>(write_all(lane, stretch(frame * 9, 9), lent(files)));
        if (frame == 2) stage.reached();
        if (frame >= 2) static_cast<void>(read_all(lane, credit));
      }
    });
    ASSERT_TRUE(peer.wait_for_stage());
    std::thread killer([&peer] { peer.kill(); });
    std::vector<std::byte> buffer(9);
    Io outcome = Io::kDone;
    while (outcome == Io::kDone) {
      outcome = read_all(peer.lane(), buffer);
      if (outcome != Io::kDone) break;
      expect_descriptors(peer.lane(), 30, 3);
      static_cast<void>(write_all(peer.lane(), stretch(0, 1)));
    }
    EXPECT_EQ(outcome, Io::kClosed) << peer.lane().failure();
    killer.join();
  }
}

}  // namespace
}  // namespace ferry::transports::testing
