// The ring as bytes and indices, in one thread.
#include "transports/ring/ring.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "transports/ring/layout.h"

namespace ferry::transports::ring {
namespace {

constexpr std::size_t kCapacity = 64;

struct TestRing {
  Indices indices;
  std::vector<std::byte> data = std::vector<std::byte>(kCapacity);
  Writer writer{indices, data.data(), kCapacity};
  Reader reader{indices, data.data(), kCapacity};

  std::optional<std::size_t> write(std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return writer.write({&piece, 1});
  }
  std::string read(std::size_t most = kCapacity) {
    std::string text(most, '?');
    const auto count = reader.read(std::as_writable_bytes(std::span(text)));
    EXPECT_TRUE(count.has_value());
    text.resize(count.value_or(0));
    return text;
  }
};

TEST(Ring, HandsOutBytesInTheOrderTheyWereWritten) {
  TestRing ring;
  EXPECT_EQ(ring.write("one "), 4U);
  EXPECT_EQ(ring.write("two"), 3U);
  EXPECT_EQ(ring.read(), "one two");
  EXPECT_EQ(ring.read(), "");
}

TEST(Ring, TakesAsMuchAsFitsAndTheRestLater) {
  TestRing ring;
  const std::string text(kCapacity + 10, 'x');
  EXPECT_EQ(ring.write(text), kCapacity);
  EXPECT_EQ(ring.write("y"), 0U);
  EXPECT_EQ(ring.read(3).size(), 3U);
  EXPECT_EQ(ring.write("abcdef"), 3U);
  EXPECT_EQ(ring.read(), std::string(kCapacity - 3, 'x') + "abc");
}

TEST(Ring, EverySplitOfEveryLengthSurvivesEveryWrapAround) {
  std::uint8_t next_in = 0;
  std::uint8_t next_out = 0;
  TestRing ring;
  for (std::size_t size = 1; size <= kCapacity; ++size) {
    for (std::size_t part = 1; part <= size; ++part) {
      std::string text(size, '\0');
      for (char& c : text) c = static_cast<char>(next_in++);
      ASSERT_EQ(ring.write(text), size);
      for (std::size_t left = size; left > 0;) {
        const std::string got = ring.read(std::min(part, left));
        ASSERT_EQ(got.size(), std::min(part, left));
        for (const char c : got) ASSERT_EQ(static_cast<std::uint8_t>(c), next_out++);
        left -= got.size();
      }
    }
  }
}

TEST(Ring, SeveralPiecesArePublishedByOneStore) {
  TestRing ring;
  std::string a = "frame ";
  std::string empty;
  std::string b = "and body";
  const iovec pieces[] = {{a.data(), a.size()}, {empty.data(), 0}, {b.data(), b.size()}};
  EXPECT_EQ(ring.writer.write(pieces), a.size() + b.size());
  EXPECT_EQ(ring.indices.written.load(), a.size() + b.size());
  EXPECT_EQ(ring.read(), "frame and body");
}

TEST(Ring, AWriteThatIsCutInsideAPieceContinuesThere) {
  TestRing ring;
  std::string a(kCapacity - 2, 'a');
  std::string b = "bbbb";
  const iovec pieces[] = {{a.data(), a.size()}, {b.data(), b.size()}};
  EXPECT_EQ(ring.writer.write(pieces), kCapacity);
  EXPECT_EQ(ring.read(), a + "bb");
}

// What a peer could put into a word, given what the word should be.
std::vector<std::uint64_t> corruptions(std::uint64_t right) {
  std::vector<std::uint64_t> values = {0,
                                       1,
                                       ~std::uint64_t{0},
                                       kCapacity,
                                       kCapacity + 1,
                                       std::uint64_t{1} << 31,
                                       (std::uint64_t{1} << 32) - 1,
                                       std::uint64_t{1} << 63,
                                       0x9e3779b97f4a7c15U};
  for (std::uint64_t delta = 1; delta <= 2 * kCapacity; ++delta) {
    values.push_back(right + delta);
    values.push_back(right - delta);
  }
  return values;
}

// 150 bytes written, 120 read: 30 there, 34 free.
TestRing& advanced(TestRing& ring) {
  for (const std::size_t size : {50U, 50U, 20U}) {
    EXPECT_EQ(ring.write(std::string(size, 'x')), size);
    EXPECT_EQ(ring.read().size(), size);
  }
  EXPECT_EQ(ring.write(std::string(30, 'y')), 30U);
  return ring;
}

TEST(RingCorruption, AWriterAcceptsOnlyAReaderIndexThatAReaderCouldHaveStored) {
  std::size_t accepted = 0;
  for (const std::uint64_t value : corruptions(120)) {
    TestRing ring;
    advanced(ring);  // the writer last looked when 100 were consumed, and has written 150
    ring.indices.consumed.store(value);
    const auto taken = ring.write(std::string(kCapacity, 'z'));
    EXPECT_EQ(taken.has_value(), value >= 100 && value <= 150) << value;
    if (!taken) continue;
    ++accepted;
    EXPECT_EQ(*taken, kCapacity - (150 - value));
  }
  EXPECT_EQ(accepted, 50U);  // 120 itself is not among the corruptions
}

TEST(RingCorruption, AReaderAcceptsOnlyAWriterIndexThatAWriterCouldHaveStored) {
  std::size_t accepted = 0;
  for (const std::uint64_t value : corruptions(150)) {
    TestRing ring;
    advanced(ring);
    std::vector<std::byte> into(4 * kCapacity);
    ASSERT_EQ(ring.reader.read(std::span(into).first(10)), 10U);  // it has seen 150, and taken 130
    ring.indices.written.store(value);
    const auto got = ring.reader.read(into);
    if (!got) {
      EXPECT_TRUE(value < 150 || value > 130 + kCapacity) << value;
      continue;
    }
    ++accepted;
    EXPECT_GE(value, 150U);
    EXPECT_EQ(*got, value - 130);
    EXPECT_LE(*got, kCapacity);
  }
  EXPECT_EQ(accepted, 130 + kCapacity - 150);  // 150 itself is not among the corruptions
}

TEST(RingCorruption, ItsOwnIndexIsNeverReadBack) {
  TestRing ring;
  advanced(ring);
  ring.indices.written.store(150);
  const std::string before(30, 'y');
  ring.indices.consumed.store(7);  // the reader's own
  EXPECT_EQ(ring.read(), before);
  EXPECT_EQ(ring.indices.consumed.load(), 150U);
  ring.indices.written.store(0);  // the writer's own
  EXPECT_EQ(ring.write("more"), 4U);
  EXPECT_EQ(ring.indices.written.load(), 154U);
}

TEST(RingLayout, SidesAgreeOnWhoReadsAndWritesWhere) {
  std::vector<std::byte> memory(segment_bytes(4096) + kControlBytes);
  auto* segment = reinterpret_cast<std::byte*>(
      (reinterpret_cast<std::uintptr_t>(memory.data()) + kControlBytes - 1) & ~(kControlBytes - 1));
  construct(segment);
  const View server(segment, 4096, Side::kServer);
  const View client(segment, 4096, Side::kClient);
  Writer out = server.writer();
  Reader in(client.input(), client.input_data(), 4096);
  char text[] = "hello";
  const iovec piece{text, 5};
  EXPECT_EQ(out.write({&piece, 1}), 5U);
  std::byte into[16];
  EXPECT_EQ(in.read(into), 5U);
  EXPECT_EQ(&server.own(), &client.peer());
  EXPECT_EQ(&server.peer(), &client.own());
}

TEST(RingLayout, OnlyPowersOfTwoWithinTheLimitsAreRings) {
  EXPECT_TRUE(ring_bytes_valid(limits::kRingBytes));
  EXPECT_TRUE(ring_bytes_valid(limits::kRingBytesLeast));
  EXPECT_TRUE(ring_bytes_valid(limits::kRingBytesMost));
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{limits::kRingBytesLeast / 2},
        std::uint64_t{limits::kRingBytes + 1}, std::uint64_t{3 * limits::kRingBytes},
        std::uint64_t{2 * limits::kRingBytesMost}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    EXPECT_FALSE(ring_bytes_valid(bytes)) << bytes;
  }
}

}  // namespace
}  // namespace ferry::transports::ring
