// A Channel and a Server of one process, over every transport and both executors.
#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "tests/drivers/channel_server_fixture.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using testing::call;
using testing::cases;
using testing::Directory;
using testing::EchoService;
using testing::eventually;
using testing::name_of;

class ChannelServerTest : public testing::ChannelServerFixture {};

// An inline handler must not wait to be cancelled, a pooled one may.
class PooledServerTest : public testing::ChannelServerFixture {};

TEST_P(ChannelServerTest, CallsAreAnsweredWithTheirOwnReplies) {
  serve();
  const Channel channel = connect();
  for (int i = 0; i < 200; ++i) {
    const std::string text = "call " + std::to_string(i);
    auto reply = call(*channel.ferry_caller(), testing::kEchoMethod, text, {.deadline = 5s});
    ASSERT_TRUE(reply) << reply.status();
    ASSERT_EQ(*reply, text);
  }
}

TEST_P(ChannelServerTest, BothSidesKnowThePeerAndTheTransport) {
  serve();
  const Channel channel = connect();
  if (GetParam().scheme != "auto") {
    EXPECT_EQ(channel.transport(), GetParam().scheme);
  }
  EXPECT_NE(channel.explain(), "");
  EXPECT_EQ(channel.peer().uid, ::getuid());
  auto who = call(*channel.ferry_caller(), testing::kWho, "", {.deadline = 5s});
  ASSERT_TRUE(who) << who.status();
  const std::string trust = GetParam().scheme == "inproc" ? "full" : "same_user";
  EXPECT_EQ(*who, std::to_string(::getpid()) + " " + std::to_string(::getuid()) + " " +
                      std::to_string(::getgid()) + " " + trust + " " + channel.transport() +
                      " test.Echo.who");
}

TEST_P(ChannelServerTest, MessagesOfAllSizesArriveWhole) {
  serve();
  const Channel channel = connect();
  for (const std::size_t size :
       {0U, 1U, 64U, 8191U, 8192U, 65535U, 65536U, 65537U, 1000000U, 5000000U}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; i += 997) text[i] = static_cast<char>('a' + i % 26);
    auto reply = call(*channel.ferry_caller(), testing::kEchoMethod, text, {.deadline = 20s});
    ASSERT_TRUE(reply) << size << ": " << reply.status();
    ASSERT_TRUE(*reply == text) << size;
  }
}

TEST_P(ChannelServerTest, AMessageOverTheLimitIsRefusedBeforeItIsSentWithBothNumbers) {
  serve({.message_bytes = 100000});
  const Channel channel = connect();
  auto reply = call(*channel.ferry_caller(), testing::kEchoMethod, std::string(200000, 'x'),
                    {.deadline = 5s});
  EXPECT_EQ(reply.status().code(), StatusCode::kResourceExhausted) << reply.status();
  EXPECT_NE(reply.status().message().find("100000"), std::string::npos) << reply.status();
  EXPECT_NE(reply.status().message().find("2000"), std::string::npos) << reply.status();
  EXPECT_EQ(echo_.calls.load(), 0);
  EXPECT_TRUE(call(*channel.ferry_caller(), testing::kEchoMethod, "still fine", {.deadline = 5s}));
}

TEST_P(ChannelServerTest, AHandlersStatusArrivesAsItWas) {
  serve();
  const Channel channel = connect();
  auto reply =
      call(*channel.ferry_caller(), testing::kFail, "no such thing \u263a", {.deadline = 5s});
  EXPECT_EQ(reply.status(), Status::not_found("no such thing \u263a"));
}

TEST_P(ChannelServerTest, UnknownMethodsInterfacesAndInstancesAreUnimplemented) {
  serve();
  const Channel channel = connect();
  auto& caller = *channel.ferry_caller();
  EXPECT_EQ(call(caller, testing::kUnknown, "").status().code(), StatusCode::kUnimplemented);
  static constexpr support::InterfaceInfo kOther{0xabc, "test.Other"};
  auto other = call(caller, testing::kEchoMethod, "", {}, kOther);
  EXPECT_EQ(other.status().code(), StatusCode::kUnimplemented);
  EXPECT_NE(other.status().message().find("test.Other"), std::string::npos) << other.status();
  EXPECT_NE(other.status().message().find("test.Echo"), std::string::npos) << other.status();
  auto named = call(caller, testing::kEchoMethod, "", {}, testing::kEcho, "spare");
  EXPECT_EQ(named.status().code(), StatusCode::kUnimplemented);
  EXPECT_NE(named.status().message().find("spare"), std::string::npos) << named.status();
}

TEST_P(PooledServerTest, ADeadlineEndsTheCallOnBothSides) {
  serve();
  const Channel channel = connect();
  auto reply = call(*channel.ferry_caller(), testing::kHang, "", {.deadline = 30ms});
  EXPECT_EQ(reply.status().code(), StatusCode::kDeadlineExceeded) << reply.status();
  EXPECT_TRUE(eventually([&] { return echo_.hanging.load() == 0; }));
  EXPECT_TRUE(call(*channel.ferry_caller(), testing::kEchoMethod, "on", {.deadline = 5s}));
}

TEST_P(ChannelServerTest, ManyThreadsShareOneChannel) {
  serve();
  const Channel channel = connect();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const std::string text = std::to_string(t) + "/" + std::to_string(i);
        auto reply = call(*channel.ferry_caller(), testing::kEchoMethod, text, {.deadline = 20s});
        if (!reply || *reply != text) wrong.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST_P(ChannelServerTest, LargeMessagesBothWaysAtOnceDoNotLockUp) {
  serve();
  const Channel channel = connect();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string text(static_cast<std::size_t>(1500000 + t), static_cast<char>('a' + t));
      for (int i = 0; i < 3; ++i) {
        auto reply = call(*channel.ferry_caller(), testing::kEchoMethod, text, {.deadline = 40s});
        if (!reply || *reply != text) wrong.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST_P(ChannelServerTest, ManyChannelsAtOnce) {
  serve();
  std::vector<Channel> channels;
  for (int i = 0; i < 4; ++i) channels.push_back(connect());
  EXPECT_TRUE(eventually([&] { return server_->connections() == channels.size(); }));
  for (Channel& channel : channels) {
    EXPECT_TRUE(call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s}));
  }
  channels.clear();
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_P(ChannelServerTest, ACallLearnsItsDeadline) {
  serve();
  const Channel channel = connect();
  auto& caller = *channel.ferry_caller();
  auto left = call(caller, testing::kTimeLeft, "", {.deadline = 60s});
  ASSERT_TRUE(left) << left.status();
  EXPECT_GT(std::stoi(*left), 0);
  EXPECT_LE(std::stoi(*left), 60000);
  left = call(caller, testing::kTimeLeft, "");
  ASSERT_TRUE(left) << left.status();
  EXPECT_EQ(*left, "never");
}

TEST_P(ChannelServerTest, WithNoTimeLeftACallIsNotSent) {
  serve();
  const Channel channel = connect();
  auto lazy = Channel::lazy(target());
  ASSERT_TRUE(lazy) << lazy.status();
  for (const auto time : {0ns, -1ns, std::chrono::nanoseconds::min()}) {
    for (const auto& caller : {channel.ferry_caller(), lazy->ferry_caller()}) {
      auto reply = call(*caller, testing::kEchoMethod, "x", {.deadline = time});
      EXPECT_EQ(reply.status().code(), StatusCode::kDeadlineExceeded) << reply.status();
    }
  }
  EXPECT_EQ(lazy->transport(), "") << "nor was it connected";
  EXPECT_TRUE(call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s}));
  EXPECT_EQ(echo_.calls.load(), 1);
}

TEST_P(PooledServerTest, ClosingTheChannelCancelsCallsOfOtherThreads) {
  serve();
  Channel channel = connect();
  auto hanging = std::async(std::launch::async, [&] {
    return call(*channel.ferry_caller(), testing::kHang, "", {}).status();
  });
  ASSERT_TRUE(eventually([&] { return echo_.hanging.load() == 1; }));
  EXPECT_EQ(channel.close().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(hanging.get().code(), StatusCode::kCancelled);
  EXPECT_TRUE(eventually([&] { return echo_.hanging.load() == 0; }));
  EXPECT_EQ(call(*channel.ferry_caller(), testing::kEchoMethod, "x").status().code(),
            StatusCode::kCancelled);
}

TEST_P(ChannelServerTest, ACallMayInsistOnItsTransport) {
  serve();
  const Channel channel = connect();
  auto& caller = *channel.ferry_caller();
  EXPECT_TRUE(call(caller, testing::kEchoMethod, "x", {.transport = channel.transport()}));
  EXPECT_EQ(call(caller, testing::kEchoMethod, "x", {.transport = "other"}).status().code(),
            StatusCode::kFailedPrecondition);
}

INSTANTIATE_TEST_SUITE_P(Lanes, ChannelServerTest,
                         ::testing::ValuesIn(cases({Executor::kPool, Executor::kInline})), name_of);
INSTANTIATE_TEST_SUITE_P(Lanes, PooledServerTest, ::testing::ValuesIn(cases({Executor::kPool})),
                         name_of);

TEST(ChannelServer, ALazyChannelConnectsWithItsFirstCall) {
  const Directory directory;
  auto channel = Channel::lazy("unix:" + directory.socket());
  ASSERT_TRUE(channel) << channel.status();
  EXPECT_EQ(call(*channel->ferry_caller(), testing::kEchoMethod, "x").status().code(),
            StatusCode::kUnavailable);
  EchoService echo;
  Server server;
  server.add(echo);
  ASSERT_EQ(server.listen("unix:" + directory.socket()), Status());
  ASSERT_EQ(server.start(), Status());
  EXPECT_TRUE(call(*channel->ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s}));
  EXPECT_FALSE(Channel::lazy("shmm:/x"));
}

}  // namespace
}  // namespace ferry
