// Descriptors beside messages: they go with the first byte of their frame and are closed once.
#include <gtest/gtest.h>

#include "tests/protocol/endpoint.h"

namespace ferry::protocol::testing {
namespace {

TEST(Descriptors, GoWithTheFirstByteOfTheirFrameAndOneMessageAtATime) {
  const std::size_t before = open_descriptors();
  {
    Pair pair;
    const auto data = words(2);
    const Bytes segment = bytes_of(data);
    ASSERT_TRUE(pair.a.session.start_call({}, message_of(segment)));
    ASSERT_TRUE(pair.a.session.start_call({}, message_with_descriptors(segment, 3)));
    ASSERT_TRUE(pair.a.session.start_call({}, message_with_descriptors(segment, 1)));
    ASSERT_TRUE(pair.a.session.start_call({}, message_of(segment)));
    Output output;
    std::vector<std::size_t> counts;
    std::vector<std::size_t> sizes;
    while (pair.a.session.output(output)) {
      counts.push_back(output.descriptors.size());
      sizes.push_back(output.bytes[0].iov_len);
      pair.a.session.written(output.bytes[0].iov_len);
    }
    const std::size_t plain = kCallHeaderBytes + 16;
    EXPECT_EQ(counts, (std::vector<std::size_t>{0, 3, 1}));
    EXPECT_EQ(sizes, (std::vector<std::size_t>{plain, plain + 8, 2 * plain + 8}));
    EXPECT_EQ(open_descriptors(), before) << "what was sent is closed here";
  }
}

TEST(Descriptors, AreOfferedAgainUntilTheFirstByteIsWritten) {
  Pair pair;
  const auto data = words(2);
  const Bytes segment = bytes_of(data);
  ASSERT_TRUE(pair.a.session.start_call({}, message_with_descriptors(segment, 2)));
  Output output;
  ASSERT_TRUE(pair.a.session.output(output));
  EXPECT_EQ(output.descriptors.size(), 2U);
  pair.a.session.written(0);
  ASSERT_TRUE(pair.a.session.output(output));
  EXPECT_EQ(output.descriptors.size(), 2U);
  pair.a.session.written(1);
  ASSERT_TRUE(pair.a.session.output(output));
  EXPECT_TRUE(output.descriptors.empty());
  EXPECT_EQ(output.bytes[0].iov_len, kCallHeaderBytes + 8 + 16 - 1);
}

TEST(Descriptors, OfLargeMessagesComeWithTheirFirstChunkInAnOutputOfItsOwn) {
  const std::size_t before = open_descriptors();
  {
    Pair pair;
    const auto data = words(50'000);
    const Bytes segment = bytes_of(data);
    const Bytes small = segment.first(16);
    ASSERT_TRUE(pair.a.session.start_call({}, message_of(small)));
    ASSERT_TRUE(pair.a.session.start_call({}, message_with_descriptors(segment, 4)));
    std::vector<OwnedEvent> at_a;
    std::vector<OwnedEvent> at_b;
    pair.run(at_a, at_b);
    ASSERT_EQ(at_b.size(), 2U);
    EXPECT_EQ(at_b[1].event.message.attachments.descriptors.size(), 4U);
    EXPECT_EQ(at_b[1].event.message.attachments.slots, (std::vector<std::uint16_t>{0, 2, 4, 6}));
    pair.b.session.release(at_b[1].event.message.cost, true);
    ASSERT_TRUE(
        pair.b.session.reply(at_b[1].event.id, message_with_descriptors(segment, 253)).ok());
    pair.run(at_a, at_b);
    ASSERT_EQ(at_a.size(), 1U);
    EXPECT_EQ(at_a[0].event.message.attachments.descriptors.size(), 253U);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Descriptors, MoreThanOneMessageMayCarryAreRefusedAndClosed) {
  const std::size_t before = open_descriptors();
  Pair pair;
  const auto data = words(2);
  const Bytes segment = bytes_of(data);
  const Status status =
      pair.a.session.start_call({}, message_with_descriptors(segment, 254)).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(status.message().find("254"), std::string::npos) << status;
  EXPECT_NE(status.message().find("253"), std::string::npos) << status;
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Descriptors, MessagesWithDescriptorsWaitForTheirOwnCredit) {
  const std::size_t before = open_descriptors();
  {
    Pair pair;
    const auto data = words(1);
    const Bytes segment = bytes_of(data);
    for (std::uint32_t i = 0; i < limits::kUnreadDescriptorMessages + 5; ++i) {
      ASSERT_TRUE(pair.a.session.start_call({}, message_with_descriptors(segment, 1)));
    }
    std::vector<OwnedEvent> at_a;
    std::vector<OwnedEvent> at_b;
    pair.run(at_a, at_b);
    EXPECT_EQ(at_b.size(), limits::kUnreadDescriptorMessages);
    for (std::uint32_t i = 0; i + 1 < limits::kUnreadDescriptorMessages / 2; ++i) {
      pair.b.session.release(at_b[i].event.message.cost, true);
    }
    pair.run(at_a, at_b);
    EXPECT_EQ(at_b.size(), limits::kUnreadDescriptorMessages);
    pair.b.session.release(at_b[40].event.message.cost, true);
    pair.run(at_a, at_b);
    EXPECT_EQ(at_b.size(), limits::kUnreadDescriptorMessages + 5);
  }
  EXPECT_EQ(open_descriptors(), before) << "also those that waited";
}

TEST(Descriptors, OfCancelledAndRefusedCallsAreClosedAtOnce) {
  const std::size_t before = open_descriptors();
  Pair pair;
  const auto data = words(1 << 18);
  const Bytes segment = bytes_of(data);
  const auto large = pair.a.session.start_call({}, message_with_descriptors(segment, 3));
  const auto waits = pair.a.session.start_call({}, message_with_descriptors(segment, 3));
  ASSERT_TRUE(large && waits);
  pair.a.session.cancel(*waits);
  pair.a.send(100'000);
  std::vector<OwnedEvent> events;
  ASSERT_TRUE(pair.b.receive(events));
  EXPECT_EQ(open_descriptors(), before + 3) << "those that arrived";
  pair.a.session.cancel(*large);
  pair.a.send();
  ASSERT_TRUE(pair.b.receive(events));
  EXPECT_EQ(open_descriptors(), before);
  pair.b.send();  // the credit of the large one
  ASSERT_TRUE(pair.a.receive(events));

  pair.b.session.go_away(Status::unavailable(""));
  const Bytes small = segment.first(8);
  ASSERT_TRUE(pair.a.session.start_call({}, message_with_descriptors(small, 3)));
  pair.a.send();
  ASSERT_TRUE(pair.b.receive(events));
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Descriptors, FailureOfTheirSourceEndsTheConnectionWithItsReason) {
  Pair pair;
  pair.to_b.bytes = raw_call(1, words(1), 1, {0, 5}).bytes();
  std::vector<OwnedEvent> events;
  EXPECT_FALSE(pair.b.receive(events));
  EXPECT_EQ(pair.b.failure, Status::invalid_argument("no 2 descriptors came"));
}

TEST(Descriptors, SourceThatHandsOutAnotherNumberIsNotTrusted) {
  Session session({});
  const auto bytes = raw_call(1, words(1), 1, {0, 5}).bytes();
  std::vector<std::uint64_t> aligned(bytes.size() / 8);
  std::memcpy(aligned.data(), bytes.data(), bytes.size());
  Bytes input = bytes_of(aligned);
  Event event;
  const auto made = session.next(
      input, TimePoint(),
      [](std::size_t, std::vector<UniqueFd>& into) {
        into.push_back(some_descriptor());
        return Status();
      },
      event);
  EXPECT_EQ(made.status().code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace ferry::protocol::testing
