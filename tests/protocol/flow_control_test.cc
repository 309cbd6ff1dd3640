// Flow control: who may send when, what is given back, and that nobody waits for ever.
#include <gtest/gtest.h>

#include "tests/protocol/endpoint.h"

namespace ferry::protocol::testing {
namespace {

class FlowControl : public ::testing::Test {
 protected:
  static Session::Options windows(std::uint32_t bytes) {
    Session::Options options;
    options.window_bytes = bytes;
    options.peer_window_bytes = bytes;
    return options;
  }
  // Starts a call of `bytes` from a to b.
  Result<CallId> start(Pair& pair, std::size_t bytes) {
    data_.push_back(words(bytes / 8, data_.size()));
    const Bytes segment = bytes_of(data_.back());
    return pair.a.session.start_call({}, message_of(segment));
  }
  std::deque<std::vector<std::uint64_t>> data_;
  std::vector<OwnedEvent> at_a_;
  std::vector<OwnedEvent> at_b_;
};

TEST_F(FlowControl, MessagesPastTheWindowWaitUntilCreditComesAndKeepTheirOrder) {
  Pair pair(windows(8192), windows(8192));
  std::vector<CallId> ids;
  for (int i = 0; i < 20; ++i) {
    const auto id = start(pair, 1024 - kMessageOverhead);
    ASSERT_TRUE(id);
    ids.push_back(*id);
  }
  EXPECT_EQ(pair.a.session.window_left(), 0);
  EXPECT_EQ(pair.a.session.backlog(), 12U * (1024 - kMessageOverhead));
  pair.run(at_a_, at_b_);
  ASSERT_EQ(at_b_.size(), 8U);
  EXPECT_EQ(pair.b.session.window_charged(), 8192);
  for (int i = 0; i < 3; ++i) pair.b.session.release(1024, false);
  pair.run(at_a_, at_b_);
  EXPECT_EQ(at_b_.size(), 8U) << "no CREDIT frame before half a window is owed";
  pair.b.session.release(1024, false);
  pair.run(at_a_, at_b_);
  EXPECT_EQ(at_b_.size(), 12U);
  for (int i = 0; i < 8; ++i) pair.b.session.release(1024, false);
  pair.run(at_a_, at_b_);
  ASSERT_EQ(at_b_.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(at_b_[i].event.id, ids[i]);
  EXPECT_EQ(pair.a.session.backlog(), 0U);
}

TEST_F(FlowControl, CreditRidesInTheHeaderOfAReply) {
  Pair pair(windows(8192), windows(8192));
  ASSERT_TRUE(start(pair, 1000));
  pair.run(at_a_, at_b_);
  pair.b.session.release(at_b_[0].event.message.cost, false);
  EXPECT_FALSE(pair.b.session.has_output());
  pair.b.session.reply(at_b_[0].event.id, Status::aborted("x"));
  pair.b.send();
  EXPECT_EQ(decode_header(pair.to_a.bytes).credit, 1000 + kMessageOverhead);
  pair.run(at_a_, at_b_);
  EXPECT_EQ(pair.a.session.window_left(), 8192);
}

TEST_F(FlowControl, MessageLargerThanTheWindowStartsWhenHalfOfItIsLeft) {
  Pair pair(windows(8192), windows(8192));
  ASSERT_TRUE(start(pair, 4096 - kMessageOverhead + 8));  // a little less than half is left
  ASSERT_TRUE(start(pair, 300'000));
  pair.run(at_a_, at_b_);
  EXPECT_EQ(at_b_.size(), 1U);
  pair.b.session.release(4096 + 8, false);
  pair.run(at_a_, at_b_);
  ASSERT_EQ(at_b_.size(), 2U);
  EXPECT_EQ(at_b_[1].message().size(), 300'000U);
  EXPECT_EQ(pair.a.session.window_left(), 8192 - 300'000 - static_cast<int>(kMessageOverhead));
  // Whatever comes next waits until the large one is released.
  ASSERT_TRUE(start(pair, 8));
  pair.run(at_a_, at_b_);
  EXPECT_EQ(at_b_.size(), 2U);
  pair.b.session.release(at_b_[1].event.message.cost, false);
  pair.run(at_a_, at_b_);
  EXPECT_EQ(at_b_.size(), 3U);
}

TEST_F(FlowControl, LargeMessageNeedsNoCreditThatNobodyIsAboutToSend) {
  // The receiver released all, but owes less than half a window, so it stays silent.
  for (std::uint32_t used = 64; used <= 8192; used += 64) {
    Pair pair(windows(8192), windows(8192));
    ASSERT_TRUE(start(pair, used - kMessageOverhead));
    pair.run(at_a_, at_b_);
    pair.b.session.release(at_b_.back().event.message.cost, false);
    const std::size_t before = at_b_.size();
    ASSERT_TRUE(start(pair, 1'000'000));
    pair.run(at_a_, at_b_);
    ASSERT_EQ(at_b_.size(), before + 1) << used << " bytes were used";
  }
}

TEST_F(FlowControl, SmallMessagesGoBetweenTheChunksOfLargeOnesAndLargeOnesTakeTurns) {
  Pair pair(windows(64 << 20), windows(64 << 20));
  ASSERT_TRUE(start(pair, 1 << 20));
  ASSERT_TRUE(start(pair, 1 << 20));
  std::vector<CallId> chunk_order;
  std::size_t small_seen = 0;
  // One batch at a time, with a small call started before each.
  for (int round = 0; round < 32; ++round) {
    ASSERT_TRUE(start(pair, 8));
    Output output;
    ASSERT_TRUE(pair.a.session.output(output));
    ASSERT_GE(output.bytes.size(), 2U) << "small frames, then a chunk";
    const auto* small = static_cast<const std::byte*>(output.bytes[0].iov_base);
    EXPECT_EQ(output.bytes[0].iov_len, kCallHeaderBytes + 8);
    EXPECT_EQ(decode_header({small, 24}).message_bytes, 8U);
    ++small_seen;
    const auto* chunk = static_cast<const std::byte*>(output.bytes[1].iov_base);
    chunk_order.push_back(decode_header({chunk, 24}).call_id);
    std::size_t bytes = 0;
    for (const iovec& piece : output.bytes) bytes += piece.iov_len;
    pair.a.session.written(bytes);
  }
  EXPECT_EQ(small_seen, 32U);
  for (std::size_t i = 2; i < chunk_order.size(); ++i) {
    EXPECT_EQ(chunk_order[i], chunk_order[i - 2]);
    EXPECT_NE(chunk_order[i], chunk_order[i - 1]);
  }
}

TEST_F(FlowControl, SmallMessagesBehindALargeOneThatWaitsDoNotOvertakeIt) {
  Pair pair(windows(8192), windows(8192));
  ASSERT_TRUE(start(pair, 8000));
  ASSERT_TRUE(start(pair, 100'000));
  ASSERT_TRUE(start(pair, 8));  // would fit into what is left
  pair.run(at_a_, at_b_);
  EXPECT_EQ(at_b_.size(), 1U);
  pair.b.session.release(at_b_[0].event.message.cost, false);
  pair.run(at_a_, at_b_);
  ASSERT_EQ(at_b_.size(), 2U);
  EXPECT_EQ(at_b_[1].message().size(), 100'000U);
}

TEST_F(FlowControl, WindowOfNothingStillLetsOneMessageThroughAtATime) {
  Pair pair(windows(0), windows(0));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(start(pair, 64));
  for (std::size_t i = 1; i <= 3; ++i) {
    pair.run(at_a_, at_b_);
    ASSERT_EQ(at_b_.size(), i);
    pair.b.session.release(at_b_.back().event.message.cost, false);
  }
}

TEST_F(FlowControl, RepliesToAPeerThatReadsNothingAreBounded) {
  Pair pair;
  const auto data = words(65'536 / 8);
  const Bytes segment = bytes_of(data);
  std::vector<CallId> calls;
  for (int i = 0; i < 1500; ++i) {
    ASSERT_TRUE(pair.a.session.start_call({}, {}));
    if (i % 500 == 499) {
      pair.run(at_a_, at_b_);
      for (; calls.size() < at_b_.size();) {
        pair.b.session.release(at_b_[calls.size()].event.message.cost, false);
        calls.push_back(at_b_[calls.size()].event.id);
      }
    }
  }
  ASSERT_EQ(calls.size(), 1500U);
  std::size_t refused = 0;
  for (const CallId id : calls) {
    if (!pair.b.session.reply(id, message_of(segment)).ok()) ++refused;
  }
  EXPECT_GT(refused, 400U);
  EXPECT_LE(pair.b.session.backlog(), limits::kSendBacklogBytes + (std::size_t{1} << 20));
}

TEST_F(FlowControl, AWindowWithoutEndDoesNotMakeUsKeepRepliesWithoutEnd) {
  Session::Options greedy;
  greedy.window_bytes = 0xffffffff;
  Session::Options told;
  told.peer_window_bytes = 0xffffffff;
  Pair pair(greedy, told);
  const auto data = words((std::size_t{1} << 20) / 8);
  const Bytes segment = bytes_of(data);
  constexpr std::size_t kCalls = 400;
  for (std::size_t i = 0; i < kCalls; ++i) ASSERT_TRUE(pair.a.session.start_call({}, {}));
  pair.run(at_a_, at_b_);
  ASSERT_EQ(at_b_.size(), kCalls);
  std::size_t kept = 0;
  for (const OwnedEvent& each : at_b_) {
    if (pair.b.session.reply(each.event.id, message_of(segment)).ok()) ++kept;
  }
  // As many under way as may wait, and one more of each.
  EXPECT_LE(kept << 20, 2 * limits::kSendBacklogBytes + (2U << 20));
  EXPECT_GE(kept << 20, limits::kSendBacklogBytes);
}

TEST_F(FlowControl, CallsWithoutCreditAreBounded) {
  Pair pair;
  Status last;
  std::size_t started = 0;
  while (last.ok() && started < 3000) {
    last = start(pair, 65'536).status();
    started += last.ok() ? 1 : 0;
  }
  EXPECT_EQ(last.code(), StatusCode::kResourceExhausted);
  EXPECT_LE(pair.a.session.backlog(), limits::kSendBacklogBytes);
  EXPECT_GE(started, 1024U);
}

TEST_F(FlowControl, CallsInFlightAreLimitedByWhatThePeerTold) {
  Session::Options options;
  options.peer_calls_in_flight = 3;
  options.calls_in_flight = 3;
  Pair pair(options, options);
  std::vector<CallId> ids;
  for (int i = 0; i < 3; ++i) {
    const auto id = start(pair, 8);
    ASSERT_TRUE(id);
    ids.push_back(*id);
  }
  EXPECT_EQ(start(pair, 8).status().code(), StatusCode::kResourceExhausted);
  // A cancelled call is in flight until its answer came: the peer may still be at work on it.
  pair.run(at_a_, at_b_);
  pair.a.session.cancel(ids[0]);
  EXPECT_EQ(pair.a.session.calls_out(), 2U);
  EXPECT_EQ(start(pair, 8).status().code(), StatusCode::kResourceExhausted);
  pair.run(at_a_, at_b_);
  pair.b.session.reply(ids[0], Status::cancelled("stopped"));
  pair.run(at_a_, at_b_);
  EXPECT_TRUE(start(pair, 8));
}

TEST_F(FlowControl, MessageOverThePeersLimitIsRefusedWithBothNumbers) {
  Session::Options options;
  options.peer_message_bytes = 100'000;
  Pair pair(options);
  EXPECT_TRUE(start(pair, 100'000));
  const Status status = start(pair, 100'008).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(status.message().find("100008"), std::string::npos) << status;
  EXPECT_NE(status.message().find("100000"), std::string::npos) << status;
  EXPECT_EQ(pair.a.session.calls_out(), 1U);
}

TEST_F(FlowControl, ReplyOverThePeersLimitIsReplacedByTheReason) {
  Session::Options options;
  options.peer_message_bytes = 1000;
  Pair pair({}, options);
  ASSERT_TRUE(start(pair, 8));
  pair.run(at_a_, at_b_);
  const auto data = words(126);
  const Bytes segment = bytes_of(data);
  EXPECT_EQ(pair.b.session.reply(at_b_[0].event.id, message_of(segment)).code(),
            StatusCode::kResourceExhausted);
  pair.run(at_a_, at_b_);
  ASSERT_EQ(at_a_.size(), 1U);
  EXPECT_EQ(at_a_[0].event.status.code(), StatusCode::kResourceExhausted);
}

TEST_F(FlowControl, MemoryOfALargeMessageGrowsAsItsBytesArrive) {
  Session session({});
  Wire in;
  Wire out;
  Endpoint b({}, in, out);
  RawFrame first = raw_call(1, words(8192));
  first.header.message_bytes = 64 << 20;
  in.bytes = first.bytes();
  ASSERT_TRUE(b.receive(at_b_)) << b.failure;
  EXPECT_LE(b.session.bytes_held(), std::size_t{1} << 20);
  const auto part = words(8192);
  for (std::uint32_t at = 65'536; at < (8U << 20); at += 65'536) {
    in.bytes = raw_chunk(1, false, at, part).bytes();
    ASSERT_TRUE(b.receive(at_b_)) << b.failure;
    EXPECT_LE(b.session.bytes_held(), 4 * (std::size_t{at} + 65'536) + (1U << 20));
  }
}

}  // namespace
}  // namespace ferry::protocol::testing
