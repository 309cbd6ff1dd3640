// Calls and replies between two Sessions: what a peer that keeps the rules sees.
#include <gtest/gtest.h>

#include "tests/protocol/endpoint.h"

namespace ferry::protocol::testing {
namespace {

bool equal(Bytes left, Bytes right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

TEST(Calls, SmallCallIsOneFrameEachWayAndArrivesWhole) {
  Pair pair;
  const auto request = words(3, 1);
  const auto answer = words(5, 2);
  const Bytes segment = bytes_of(request);
  const CallHead head{.interface_id = 0xfeedfacecafebeef,
                      .method = 513,
                      .instance = 70000,
                      .object = 9,
                      .time_left = std::chrono::milliseconds(250)};
  const auto id = pair.a.session.start_call(head, message_of(segment));
  ASSERT_TRUE(id) << id.status();
  EXPECT_EQ(pair.a.session.calls_out(), 1U);
  EXPECT_EQ(pair.a.send(), kCallHeaderBytes + 24);

  const OwnedEvent call = pair.b.receive_one();
  EXPECT_EQ(call.event.kind, Event::Kind::kCall);
  EXPECT_EQ(call.event.head.interface_id, head.interface_id);
  EXPECT_EQ(call.event.head.method, head.method);
  EXPECT_EQ(call.event.head.instance, head.instance);
  EXPECT_EQ(call.event.head.object, head.object);
  EXPECT_EQ(call.event.head.time_left, head.time_left);
  EXPECT_TRUE(equal(call.message(), segment));
  EXPECT_EQ(pair.b.session.calls_in(), 1U);

  pair.b.session.release(call.event.message.cost, false);
  const Bytes reply = bytes_of(answer);
  EXPECT_TRUE(pair.b.session.reply(call.event.id, message_of(reply)).ok());
  EXPECT_EQ(pair.b.session.calls_in(), 0U);
  EXPECT_EQ(pair.b.send(), kReplyHeaderBytes + 40);
  const OwnedEvent end = pair.a.receive_one();
  EXPECT_EQ(end.event.kind, Event::Kind::kReply);
  EXPECT_EQ(end.event.id, *id);
  EXPECT_TRUE(end.event.status.ok());
  EXPECT_TRUE(equal(end.message(), reply));
  EXPECT_EQ(pair.a.session.calls_out(), 0U);
}

TEST(Calls, StatusTravelsWithItsText) {
  Pair pair;
  const auto request = words(1);
  const Bytes segment = bytes_of(request);
  ASSERT_TRUE(pair.a.session.start_call({}, message_of(segment)));
  pair.a.send();
  const OwnedEvent call = pair.b.receive_one();
  pair.b.session.reply(call.event.id, Status::not_found("open x: there is none"));
  pair.b.send();
  const OwnedEvent end = pair.a.receive_one();
  EXPECT_EQ(end.event.status, Status::not_found("open x: there is none"));
  EXPECT_EQ(end.event.message.cost, 0U) << "nothing is left to be released";
}

TEST(Calls, LongStatusTextIsCutBetweenCharacters) {
  Pair pair;
  const auto request = words(1);
  const Bytes segment = bytes_of(request);
  ASSERT_TRUE(pair.a.session.start_call({}, message_of(segment)));
  pair.a.send();
  const OwnedEvent call = pair.b.receive_one();
  std::string text(limits::kStatusMessageBytes - 1, 'x');
  text += "\xe2\x82\xac and more";  // three bytes of one character across the limit
  pair.b.session.reply(call.event.id, Status::aborted(text));
  pair.b.send();
  const OwnedEvent end = pair.a.receive_one();
  EXPECT_EQ(end.event.status.message(), std::string(limits::kStatusMessageBytes - 1, 'x'));
}

TEST(Calls, BothSidesMayCallAndTheirIdsDoNotMix) {
  Pair pair;
  const auto one = words(2, 1);
  const auto two = words(2, 2);
  const Bytes from_a = bytes_of(one);
  const Bytes from_b = bytes_of(two);
  const auto a_id = pair.a.session.start_call({.method = 1}, message_of(from_a));
  const auto b_id = pair.b.session.start_call({.method = 2}, message_of(from_b));
  ASSERT_TRUE(a_id);
  ASSERT_TRUE(b_id);
  EXPECT_EQ(*a_id, *b_id) << "the test means equal ids of the two sides";
  std::vector<OwnedEvent> at_a;
  std::vector<OwnedEvent> at_b;
  pair.run(at_a, at_b);
  ASSERT_EQ(at_a.size(), 1U);
  ASSERT_EQ(at_b.size(), 1U);
  EXPECT_TRUE(pair.a.session.reply(at_a[0].event.id, message_of(from_b)).ok());
  EXPECT_TRUE(pair.b.session.reply(at_b[0].event.id, message_of(from_a)).ok());
  pair.run(at_a, at_b);
  ASSERT_EQ(at_a.size(), 2U);
  EXPECT_EQ(at_a[1].event.kind, Event::Kind::kReply);
  EXPECT_TRUE(equal(at_a[1].message(), from_a));
  EXPECT_TRUE(equal(at_b[1].message(), from_b));
}

class MessageSizes : public ::testing::TestWithParam<std::size_t> {};

TEST_P(MessageSizes, ArriveWholeInBothDirectionsInPiecesOfAnySize) {
  for (const std::size_t step : {std::size_t{1} << 30, std::size_t{70'001}, std::size_t{4096}}) {
    Pair pair;
    const auto data = words(GetParam() / 8, GetParam());
    const Bytes segment = bytes_of(data);
    const auto id = pair.a.session.start_call({}, message_of(segment));
    ASSERT_TRUE(id) << id.status();
    std::vector<OwnedEvent> events;
    while (pair.a.send(step) > 0) ASSERT_TRUE(pair.b.receive(events)) << pair.b.failure;
    ASSERT_EQ(events.size(), 1U);
    EXPECT_TRUE(equal(events[0].message(), segment));
    EXPECT_EQ(events[0].event.message.cost, kMessageOverhead + GetParam());
    EXPECT_EQ(pair.b.session.bytes_held(), 0U);
    ASSERT_TRUE(pair.b.session.reply(events[0].event.id, message_of(segment)).ok());
    events.clear();
    while (pair.b.send(step) > 0) ASSERT_TRUE(pair.a.receive(events)) << pair.a.failure;
    ASSERT_EQ(events.size(), 1U);
    EXPECT_TRUE(equal(events[0].message(), segment));
    EXPECT_LE(pair.a.most_buffers, 16U);
  }
}
INSTANTIATE_TEST_SUITE_P(All, MessageSizes,
                         ::testing::Values(0, 8, 65528, 65536, 65544, 131072, 131080, 1 << 20,
                                           (1 << 20) + 8, 3 << 20, 64 << 20));

TEST(Calls, SegmentsOfAnySizeAndNumberArriveAsTheyWere) {
  for (const std::size_t count : {2, 3, 17, 200, 511}) {
    for (const std::size_t each : {0, 1, 40, 300}) {
      Pair pair;
      std::vector<std::vector<std::uint64_t>> data;
      std::vector<Bytes> segments;
      for (std::size_t i = 0; i < count; ++i) data.push_back(words(each + i % 3, i));
      for (const auto& segment : data) segments.push_back(bytes_of(segment));
      OutgoingMessage message;
      message.segments = segments;
      ASSERT_TRUE(pair.a.session.start_call({}, std::move(message)));
      std::vector<OwnedEvent> none;
      std::vector<OwnedEvent> events;
      pair.run(none, events);
      ASSERT_EQ(events.size(), 1U);
      EXPECT_EQ(events[0].event.message.segment_count, count);
      const auto split = split_segments(events[0].message(), static_cast<std::uint32_t>(count));
      ASSERT_TRUE(split) << split.status();
      ASSERT_EQ(split->size(), count);
      for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(equal((*split)[i], segments[i])) << i;
      EXPECT_LE(pair.a.most_buffers, 16U);
    }
  }
}

TEST(Calls, SplitSegmentsRefusesTablesThatLie) {
  auto message = words(6);
  message[0] = 2 | (std::uint64_t{2} << 32);  // two segments of two words: one word is left over
  EXPECT_EQ(split_segments(bytes_of(message), 2).status().code(), StatusCode::kInvalidArgument);
  message[0] = 2 | (std::uint64_t{3} << 32);
  EXPECT_TRUE(split_segments(bytes_of(message), 2).ok());
  message[0] = 0xffffffff | (std::uint64_t{0xffffffff} << 32);
  EXPECT_FALSE(split_segments(bytes_of(message), 2).ok());
  EXPECT_FALSE(split_segments(bytes_of(message), 0).ok());
  EXPECT_FALSE(split_segments(bytes_of(message), 512).ok());
  EXPECT_FALSE(split_segments(bytes_of(message), 0xffffffff).ok());
  EXPECT_FALSE(split_segments({}, 2).ok());
}

TEST(Calls, FramesIssuedTogetherLeaveInOneBuffer) {
  Pair pair;
  const auto data = words(2);
  const Bytes segment = bytes_of(data);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(pair.a.session.start_call({}, message_of(segment)));
  Output output;
  ASSERT_TRUE(pair.a.session.output(output));
  ASSERT_EQ(output.bytes.size(), 1U);
  EXPECT_EQ(output.bytes[0].iov_len, 10 * (kCallHeaderBytes + 16));
}

TEST(Calls, OutputStaysWhereItIsWhileMoreIsStarted) {
  Pair pair;
  const auto data = words(8);
  const Bytes segment = bytes_of(data);
  ASSERT_TRUE(pair.a.session.start_call({}, message_of(segment)));
  Output output;
  ASSERT_TRUE(pair.a.session.output(output));
  const auto* begin = static_cast<const std::byte*>(output.bytes[0].iov_base);
  const std::vector<std::byte> before(begin, begin + output.bytes[0].iov_len);
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(pair.a.session.start_call({}, message_of(segment)));
  EXPECT_TRUE(std::equal(before.begin(), before.end(), begin));
}

TEST(Calls, PingIsAnsweredByTheSessionAndManyByOnePong) {
  Pair pair;
  EXPECT_TRUE(pair.a.session.ping());
  EXPECT_FALSE(pair.a.session.ping()) << "one at a time";
  std::vector<OwnedEvent> at_a;
  std::vector<OwnedEvent> at_b;
  pair.run(at_a, at_b);
  EXPECT_FALSE(pair.a.session.ping_pending());
  EXPECT_TRUE(at_a.empty() && at_b.empty());

  for (std::uint32_t i = 1; i <= 1000; ++i) {
    const auto ping = raw_bare(FrameType::kPing, i).bytes();
    pair.to_b.bytes.insert(pair.to_b.bytes.end(), ping.begin(), ping.end());
  }
  ASSERT_TRUE(pair.b.receive(at_b));
  EXPECT_EQ(pair.b.send(), 24U);
  const FrameHeader pong = decode_header(pair.to_a.bytes);
  EXPECT_EQ(pong.type, static_cast<std::uint8_t>(FrameType::kPong));
  EXPECT_EQ(pong.call_id, 1000U);
}

TEST(Calls, GoAwayEndsNewCallsOnBothSidesAndLeavesThoseInFlight) {
  Pair pair;
  const auto data = words(2);
  const Bytes segment = bytes_of(data);
  std::vector<OwnedEvent> at_a;
  std::vector<OwnedEvent> at_b;
  ASSERT_TRUE(pair.a.session.start_call({}, message_of(segment)));
  pair.run(at_a, at_b);
  pair.b.session.go_away(Status::unavailable("draining"));
  EXPECT_EQ(pair.b.session.start_call({}, message_of(segment)).status().code(),
            StatusCode::kUnavailable);
  // This one crosses with the GOAWAY.
  const auto crossed = pair.a.session.start_call({}, message_of(segment));
  ASSERT_TRUE(crossed);
  at_a.clear();
  pair.run(at_a, at_b);
  ASSERT_EQ(at_b.size(), 1U) << "the crossed call was not delivered";
  ASSERT_EQ(at_a.size(), 2U);
  EXPECT_EQ(at_a[0].event.kind, Event::Kind::kGoAway);
  EXPECT_EQ(at_a[0].event.status, Status::unavailable("draining"));
  EXPECT_EQ(at_a[1].event.kind, Event::Kind::kReply);
  EXPECT_EQ(at_a[1].event.id, *crossed);
  EXPECT_EQ(at_a[1].event.status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(pair.a.session.start_call({}, message_of(segment)).status().code(),
            StatusCode::kUnavailable);
  ASSERT_TRUE(pair.b.session.reply(at_b[0].event.id, message_of(segment)).ok());
  at_a.clear();
  pair.run(at_a, at_b);
  ASSERT_EQ(at_a.size(), 1U);
  EXPECT_TRUE(at_a[0].event.status.ok()) << "what was in flight goes on";
}

}  // namespace
}  // namespace ferry::protocol::testing
