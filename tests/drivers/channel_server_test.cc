// A Channel and a Server of one process, over every transport and both executors.
#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <uv.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "tests/drivers/echo_service.h"
#include "tests/support/processes.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using testing::call;
using testing::Directory;
using testing::EchoService;
using testing::eventually;
using testing::open_descriptors;

struct Case {
  std::string scheme;
  Executor executor;
  // What a failing test prints.
  friend std::ostream& operator<<(std::ostream& out, const Case& value) {
    return out << value.scheme;
  }
};

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  return info.param.scheme + (info.param.executor == Executor::kInline ? "_inline" : "_pool");
}

class ChannelServerTest : public ::testing::TestWithParam<Case> {
 protected:
  std::string target() const {
    if (GetParam().scheme == "inproc") return "inproc:" + directory_.socket();
    return GetParam().scheme + ":" + directory_.socket();
  }
  void serve(ServerOptions options = {}) {
    server_ = std::make_unique<Server>(std::move(options));
    server_->add(echo_, {.executor = GetParam().executor});
    ASSERT_EQ(server_->listen(target()), Status());
    ASSERT_EQ(server_->start(), Status());
  }
  Channel connect(ConnectOptions options = {}) {
    auto channel = Channel::connect(target(), options);
    EXPECT_TRUE(channel) << channel.status();
    return std::move(*channel);
  }

  Directory directory_;
  EchoService echo_;
  std::unique_ptr<Server> server_;
};

// An inline handler must not wait to be cancelled, a pooled one may.
class PooledServerTest : public ChannelServerTest {};

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

TEST_P(ChannelServerTest, TheChannelSaysWhichTransportCarriesIt) {
  serve();
  const Channel channel = connect();
  if (GetParam().scheme != "auto") {
    EXPECT_EQ(channel.transport(), GetParam().scheme);
  }
  EXPECT_NE(channel.explain(), "");
  EXPECT_EQ(channel.peer().uid, ::getuid());
  auto who = call(*channel.ferry_caller(), testing::kWho, "", {.deadline = 5s});
  ASSERT_TRUE(who) << who.status();
  EXPECT_EQ(*who, std::to_string(::getpid()) + " " + std::to_string(::getuid()) + " " +
                      channel.transport());
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

TEST_P(ChannelServerTest, StoppingLetsCallsInFlightEndAndRefusesNewOnes) {
  serve();
  const Channel channel = connect();
  ASSERT_TRUE(call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s}));
  EXPECT_EQ(server_->stop(5s), Status());
  auto late = call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s});
  EXPECT_EQ(late.status().code(), StatusCode::kUnavailable) << late.status();
}

TEST_P(PooledServerTest, StoppingWithoutPatienceCancelsWhatIsInFlight) {
  serve();
  const Channel channel = connect();
  auto hanging = std::async(std::launch::async, [&] {
    return call(*channel.ferry_caller(), testing::kHang, "", {.deadline = 30s}).status();
  });
  ASSERT_TRUE(eventually([&] { return echo_.hanging.load() == 1; }));
  EXPECT_EQ(server_->stop(0ms), Status());
  const StatusCode code = hanging.get().code();
  EXPECT_TRUE(code == StatusCode::kCancelled || code == StatusCode::kUnavailable) << name(code);
  EXPECT_EQ(echo_.hanging.load(), 0);
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

TEST_P(ChannelServerTest, TheNextCallFindsARestartedServer) {
  serve();
  const Channel channel = connect();
  ASSERT_TRUE(call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s}));
  EXPECT_EQ(server_->stop(5s), Status());
  server_.reset();
  serve();
  Status last;
  EXPECT_TRUE(eventually([&] {
    auto reply = call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s});
    last = reply.status();
    return reply.ok();
  })) << last;
}

TEST_P(ChannelServerTest, ACallMayInsistOnItsTransport) {
  serve();
  const Channel channel = connect();
  auto& caller = *channel.ferry_caller();
  EXPECT_TRUE(call(caller, testing::kEchoMethod, "x", {.transport = channel.transport()}));
  EXPECT_EQ(call(caller, testing::kEchoMethod, "x", {.transport = "other"}).status().code(),
            StatusCode::kFailedPrecondition);
}

TEST_P(ChannelServerTest, NothingIsLeftOpenAfterwards) {
  serve();
  { const Channel warm_up = connect(); }
  ASSERT_TRUE(eventually([&] { return server_->connections() == 0; }));
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    const Channel channel = connect();
    ASSERT_TRUE(call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s}));
  }
  EXPECT_TRUE(eventually([&] {
    return server_->connections() == 0 && open_descriptors() <= before;
  })) << open_descriptors()
      << " now, " << before << " before";
}

TEST_P(ChannelServerTest, AForkedChildIsToldThatTheChannelIsNotIts) {
  serve();
  const Channel channel = connect();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto status = call(*channel.ferry_caller(), testing::kEchoMethod, "x").status();
    ::_exit(status.code() == StatusCode::kFailedPrecondition ? 0 : 1);
  }
  int exit = -1;
  ASSERT_EQ(::waitpid(child, &exit, 0), child);
  EXPECT_EQ(exit, 0);
  EXPECT_TRUE(call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s}));
}

std::vector<Case> cases(std::initializer_list<Executor> executors) {
  std::vector<Case> cases;
  for (const char* scheme : {"inproc", "unix", "fifo", "mq", "shm", "memfd", "auto"}) {
    for (const Executor executor : executors) cases.push_back({scheme, executor});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Lanes, ChannelServerTest,
                         ::testing::ValuesIn(cases({Executor::kPool, Executor::kInline})), name_of);
INSTANTIATE_TEST_SUITE_P(Lanes, PooledServerTest, ::testing::ValuesIn(cases({Executor::kPool})),
                         name_of);

TEST(ChannelServer, ASocketpairConnectsAdoptingEnds) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  EchoService echo;
  Server server;
  server.add(echo);
  ASSERT_EQ(server.adopt(UniqueFd(ends[0])), Status());
  ASSERT_EQ(server.start(), Status());
  auto channel = Channel::adopt(UniqueFd(ends[1]));
  ASSERT_TRUE(channel) << channel.status();
  auto reply = call(*channel->ferry_caller(), testing::kEchoMethod, "adopted", {.deadline = 5s});
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ(*reply, "adopted");
}

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

TEST(ChannelServer, TwoServicesOfOneInterfaceAreToldApartByName) {
  EchoService one;
  EchoService two;
  const Directory directory;
  Server server;
  server.add(one, {.name = "one"});
  server.add(two, {.name = "two"});
  ASSERT_EQ(server.listen("unix:" + directory.socket()), Status());
  ASSERT_EQ(server.start(), Status());
  auto channel = Channel::connect("unix:" + directory.socket());
  ASSERT_TRUE(channel) << channel.status();
  auto& caller = *channel->ferry_caller();
  EXPECT_TRUE(call(caller, testing::kEchoMethod, "x", {}, testing::kEcho, "two"));
  EXPECT_EQ(one.calls.load(), 0);
  EXPECT_EQ(two.calls.load(), 1);
  EXPECT_EQ(call(caller, testing::kEchoMethod, "x").status().code(),
            StatusCode::kFailedPrecondition);

  Server clash;
  clash.add(one);
  clash.add(two);
  EXPECT_EQ(clash.listen("unix:" + directory.socket() + "2").code(), StatusCode::kAlreadyExists);
}

TEST(ChannelServer, AServerRunsOnALoopOfTheUsers) {
  uv_loop_t loop;
  ASSERT_EQ(uv_loop_init(&loop), 0);
  const Directory directory;
  EchoService echo;
  {
    Server server({.loop = &loop});
    server.add(echo, {.executor = Executor::kInline});
    ASSERT_EQ(server.listen("unix:" + directory.socket()), Status());
    ASSERT_EQ(server.start(), Status());
    auto reply = std::async(std::launch::async, [&] {
      auto channel = Channel::connect("unix:" + directory.socket());
      return channel ? call(*channel->ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s})
                     : Result<std::string>(channel.status());
    });
    while (reply.wait_for(0s) != std::future_status::ready) uv_run(&loop, UV_RUN_NOWAIT);
    auto text = reply.get();
    EXPECT_TRUE(text) << text.status();
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  EXPECT_EQ(uv_loop_close(&loop), 0);
}

}  // namespace
}  // namespace ferry
