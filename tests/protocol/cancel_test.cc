// Cancelling, at every point of a call's life; and what becomes of memory, credit and descriptors.
#include <gtest/gtest.h>

#include "tests/protocol/endpoint.h"

namespace ferry::protocol::testing {
namespace {

class Cancel : public ::testing::Test {
 protected:
  CallId start(std::size_t bytes) {
    data_.push_back(words(bytes / 8));
    const Bytes segment = bytes_of(data_.back());
    const auto id = pair_.a.session.start_call({}, message_of(segment));
    EXPECT_TRUE(id) << id.status();
    return id ? *id : 0;
  }
  void run() { pair_.run(at_a_, at_b_); }
  // Nothing is in flight, all credit is back (or owed), and a call goes through.
  void expect_clean() {
    run();
    EXPECT_EQ(pair_.a.session.calls_out(), 0U);
    EXPECT_EQ(pair_.b.session.calls_in(), 0U);
    EXPECT_EQ(pair_.a.session.bytes_held(), 0U);
    EXPECT_EQ(pair_.b.session.bytes_held(), 0U);
    at_a_.clear();
    at_b_.clear();
    const CallId id = start(200'000);
    run();
    ASSERT_EQ(at_b_.size(), 1U);
    ASSERT_EQ(at_b_[0].event.id, id);
    pair_.b.session.release(at_b_[0].event.message.cost, false);
    ASSERT_TRUE(pair_.b.session.reply(id, message_of(at_b_[0].message())).ok());
    run();
    ASSERT_EQ(at_a_.size(), 1U);
    ASSERT_TRUE(at_a_[0].event.status.ok());
    pair_.a.session.release(at_a_[0].event.message.cost, false);
    run();
    const auto window = static_cast<std::int64_t>(limits::kConnectionWindowBytes);
    EXPECT_EQ(pair_.a.session.window_left() + pair_.b.session.window_charged(), window);
    EXPECT_EQ(pair_.b.session.window_left() + pair_.a.session.window_charged(), window);
    EXPECT_LT(pair_.a.session.window_charged(), window / 2) << "what is charged is only owed";
    EXPECT_LT(pair_.b.session.window_charged(), window / 2);
  }

  Pair pair_;
  std::deque<std::vector<std::uint64_t>> data_;
  std::vector<OwnedEvent> at_a_;
  std::vector<OwnedEvent> at_b_;
};

TEST_F(Cancel, DeliveredCallIsToldAndItsReplyDropped) {
  const CallId id = start(8);
  run();
  pair_.a.session.cancel(id);
  pair_.a.session.cancel(id);
  EXPECT_EQ(pair_.a.session.calls_out(), 0U);
  run();
  ASSERT_EQ(at_b_.size(), 2U);
  EXPECT_EQ(at_b_[1].event.kind, Event::Kind::kCancel);
  EXPECT_EQ(at_b_[1].event.id, id);
  EXPECT_EQ(pair_.b.session.calls_in(), 1U) << "it is still to be answered";
  pair_.b.session.release(at_b_[0].event.message.cost, false);
  const Bytes segment = bytes_of(data_.back());
  EXPECT_TRUE(pair_.b.session.reply(id, message_of(segment)).ok());
  run();
  EXPECT_TRUE(at_a_.empty()) << "nobody waits for it";
  expect_clean();
}

TEST_F(Cancel, CrossingWithTheReplyIsHarmless) {
  const CallId id = start(8);
  run();
  pair_.b.session.release(at_b_[0].event.message.cost, false);
  const Bytes segment = bytes_of(data_.back());
  EXPECT_TRUE(pair_.b.session.reply(id, message_with_descriptors(segment, 2)).ok());
  pair_.b.send();
  pair_.a.session.cancel(id);
  run();
  EXPECT_TRUE(at_a_.empty());
  EXPECT_EQ(at_b_.size(), 1U);
  expect_clean();
}

TEST_F(Cancel, CallThatWaitsForCreditIsNeverSent) {
  (void)start(2 << 20);
  const CallId waiting = start(8);
  pair_.a.session.cancel(waiting);
  EXPECT_EQ(pair_.a.session.backlog(), 0U);
  run();
  ASSERT_EQ(at_b_.size(), 1U);
  pair_.b.session.release(at_b_[0].event.message.cost, false);
  pair_.b.session.reply(at_b_[0].event.id, Status::aborted(""));
  expect_clean();
}

TEST_F(Cancel, LargeCallNotBegunIsNeverSent) {
  const CallId id = start(2 << 20);
  pair_.a.session.cancel(id);
  EXPECT_FALSE(pair_.a.session.has_output());
  expect_clean();
}

TEST_F(Cancel, HalfSentCallEndsWithoutAnAnswerWhereverItWasCut) {
  for (const std::size_t sent : {1, 24, 60, 70'000, 65'592, 65'592 + 24, 131'200, 500'000}) {
    const CallId id = start(600'000);
    EXPECT_EQ(pair_.a.send(sent), sent);
    ASSERT_TRUE(pair_.b.receive(at_b_));
    pair_.a.session.cancel(id);
    data_.pop_back();  // the memory is its owner's again
    run();
    EXPECT_TRUE(at_b_.empty()) << sent;
    EXPECT_TRUE(at_a_.empty()) << sent;
    expect_clean();
    at_a_.clear();
    at_b_.clear();
  }
}

TEST_F(Cancel, CallWhoseLastChunkIsHalfWrittenIsSentFromACopy) {
  const CallId id = start(100'000);
  EXPECT_EQ(pair_.a.send(90'000), 90'000U);
  pair_.a.session.cancel(id);
  data_.pop_back();  // the memory is its owner's again
  run();
  ASSERT_EQ(at_b_.size(), 2U) << "the peer has all of it";
  EXPECT_EQ(at_b_[0].message().size(), 100'000U);
  EXPECT_EQ(at_b_[1].event.kind, Event::Kind::kCancel);
  pair_.b.session.release(at_b_[0].event.message.cost, false);
  pair_.b.session.reply(id, Status::cancelled(""));
  expect_clean();
}

TEST_F(Cancel, ReplyToACallWhoseLastChunkIsNotWrittenIsAViolation) {
  const CallId id = start(100'000);
  EXPECT_EQ(pair_.a.send(90'000), 90'000U);
  pair_.to_a.bytes = raw_reply(id, words(1)).bytes();
  EXPECT_FALSE(pair_.a.receive(at_a_)) << "its memory is still referred to";
}

TEST_F(Cancel, OwnerOfAHalfSentCallIsKeptWhileItsMemoryMayBeBeingWritten) {
  auto owner = std::make_shared<std::vector<std::uint64_t>>(words(100'000));
  const std::weak_ptr<std::vector<std::uint64_t>> alive = owner;
  const Bytes segment = bytes_of(*owner);
  OutgoingMessage message = message_of(segment);
  message.owner = std::move(owner);
  const auto id = pair_.a.session.start_call({}, std::move(message));
  ASSERT_TRUE(id);
  Output output;
  ASSERT_TRUE(pair_.a.session.output(output));
  pair_.a.session.cancel(*id);
  EXPECT_FALSE(alive.expired());
  std::size_t bytes = 0;
  for (const iovec& piece : output.bytes) bytes += piece.iov_len;
  pair_.a.session.written(bytes);
  EXPECT_TRUE(alive.expired());
}

TEST_F(Cancel, OwnerOfASentMessageIsLetGo) {
  auto owner = std::make_shared<std::vector<std::uint64_t>>(words(100'000));
  const std::weak_ptr<std::vector<std::uint64_t>> alive = owner;
  const Bytes segment = bytes_of(*owner);
  OutgoingMessage message = message_of(segment);
  message.owner = std::move(owner);
  ASSERT_TRUE(pair_.a.session.start_call({}, std::move(message)));
  EXPECT_FALSE(alive.expired());
  pair_.a.send();
  EXPECT_TRUE(alive.expired());
}

TEST_F(Cancel, ReplyThatIsHalfSentIsCutOff) {
  const CallId id = start(8);
  run();
  pair_.b.session.release(at_b_[0].event.message.cost, false);
  const auto answer = words(1 << 20);
  const Bytes segment = bytes_of(answer);
  ASSERT_TRUE(pair_.b.session.reply(id, message_of(segment)).ok());
  pair_.b.send(300'000);
  ASSERT_TRUE(pair_.a.receive(at_a_));
  EXPECT_GT(pair_.a.session.bytes_held(), 0U);
  pair_.a.session.cancel(id);
  EXPECT_EQ(pair_.a.session.bytes_held(), 0U);
  pair_.a.send();
  ASSERT_TRUE(pair_.b.receive(at_b_));
  EXPECT_LT(pair_.b.send(), 200'000U) << "the rest of 8 MiB is not sent";
  run();
  EXPECT_TRUE(at_a_.empty());
  expect_clean();
}

TEST_F(Cancel, ReplyThatWaitsForCreditIsReplacedByAShortOne) {
  const CallId first = start(8);
  const CallId second = start(8);
  run();
  const auto answer = words(1 << 18);
  const Bytes segment = bytes_of(answer);
  for (const OwnedEvent& event : at_b_) {
    pair_.b.session.release(event.event.message.cost, false);
    ASSERT_TRUE(pair_.b.session.reply(event.event.id, message_of(segment)).ok());
  }
  EXPECT_EQ(pair_.b.session.backlog(), segment.size());
  run();
  pair_.a.session.cancel(second);
  run();
  EXPECT_LT(pair_.b.session.backlog(), 100U);
  ASSERT_EQ(at_a_.size(), 1U);
  EXPECT_EQ(at_a_[0].event.id, first);
  pair_.a.session.release(at_a_[0].event.message.cost, false);
  at_a_.clear();
  expect_clean();
}

TEST_F(Cancel, HalfSentCallLeavesItsSlotFree) {
  Session::Options options;
  options.peer_calls_in_flight = 1;
  Pair pair(options);
  const auto data = words(50'000);
  const Bytes segment = bytes_of(data);
  for (int i = 0; i < 3; ++i) {
    const auto id = pair.a.session.start_call({}, message_of(segment));
    ASSERT_TRUE(id) << id.status();
    pair.a.send(100'000);
    pair.a.session.cancel(*id);
    pair.a.send();
    ASSERT_TRUE(pair.b.receive(at_b_)) << pair.b.failure;
    pair.b.send();
    ASSERT_TRUE(pair.a.receive(at_a_)) << pair.a.failure;
  }
  EXPECT_TRUE(at_b_.empty());
}

TEST_F(Cancel, OfTheFirstThatWaitsLetsTheNextOneGo) {
  Session::Options options;
  options.peer_window_bytes = 1024;
  options.window_bytes = 1024;
  Pair pair(options, options);
  const auto data = words(120);
  const Bytes large = bytes_of(data);
  const Bytes small = large.first(8);
  const Bytes most = large.first(600);
  ASSERT_TRUE(pair.a.session.start_call({}, message_of(most)));
  const auto first = pair.a.session.start_call({}, message_of(large));
  ASSERT_TRUE(pair.a.session.start_call({}, message_of(small)));
  pair.run(at_a_, at_b_);
  ASSERT_EQ(at_b_.size(), 1U);
  pair.a.session.cancel(*first);
  pair.run(at_a_, at_b_);
  ASSERT_EQ(at_b_.size(), 2U);

  // The same with the replies, and the other side's cancel.
  ASSERT_TRUE(pair.b.session.reply(at_b_[0].event.id, message_of(most)).ok());
  const auto waits = pair.a.session.start_call({}, message_of(small));
  pair.run(at_a_, at_b_);
  ASSERT_EQ(at_b_.size(), 3U);
  ASSERT_TRUE(pair.b.session.reply(at_b_[1].event.id, message_of(large)).ok());
  ASSERT_TRUE(pair.b.session.reply(at_b_[2].event.id, message_of(small)).ok());
  pair.run(at_a_, at_b_);
  ASSERT_EQ(at_a_.size(), 1U);
  pair.a.session.cancel(at_b_[1].event.id);
  pair.run(at_a_, at_b_);
  ASSERT_EQ(at_a_.size(), 2U);
  EXPECT_EQ(at_a_[1].event.id, *waits);
}

TEST_F(Cancel, SlotIsReusedOnlyUnderANewId) {
  const CallId id = start(8);
  run();
  pair_.b.session.reply(id, Status::aborted(""));
  run();
  const CallId next = start(8);
  EXPECT_EQ(next & 0xffff, id & 0xffff);
  EXPECT_NE(next, id);
  pair_.a.session.cancel(id);  // ended long ago
  EXPECT_EQ(pair_.a.session.calls_out(), 1U);
}

}  // namespace
}  // namespace ferry::protocol::testing
