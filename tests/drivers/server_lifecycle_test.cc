// How a Server begins and ends, over every transport and both executors: stopping, restarting,
// fork, adopted sockets, and who is told what.
#include <chrono>
#include <fcntl.h>
#include <future>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "tests/drivers/channel_server_fixture.h"
#include "tests/support/gate.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using testing::call;
using testing::cases;
using testing::Directory;
using testing::EchoService;
using testing::eventually;
using testing::Gate;
using testing::name_of;
using testing::open_descriptors;

class ServerLifecycleTest : public testing::ChannelServerFixture {};

// Handlers that wait for the test, which they must not on the thread that reads.
class PooledLifecycleTest : public testing::ChannelServerFixture {};

TEST_P(ServerLifecycleTest, AStoppedServerRefusesNewCalls) {
  serve();
  const Channel channel = connect();
  ASSERT_TRUE(call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s}));
  EXPECT_EQ(server_->stop(5s), Status());
  auto late = call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s});
  EXPECT_EQ(late.status().code(), StatusCode::kUnavailable) << late.status();
  EXPECT_EQ(server_->listen(target() + "2").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(server_->start().code(), StatusCode::kFailedPrecondition);
}

TEST_P(PooledLifecycleTest, StoppingLetsCallsInFlightEnd) {
  Gate gate;
  echo_.gate = &gate;
  serve();
  const Channel channel = connect();
  auto held = std::async(std::launch::async, [&] {
    return call(*channel.ferry_caller(), testing::kHold, "held", {.deadline = 30s});
  });
  ASSERT_TRUE(gate.await_arrival());
  auto stopped = std::async(std::launch::async, [&] { return server_->stop(kNoDeadline); });
  // It has begun to stop, and still waits for the call.
  EXPECT_TRUE(eventually([&] { return !Channel::connect(target()); }));
  EXPECT_NE(stopped.wait_for(0s), std::future_status::ready);
  EXPECT_TRUE(eventually([&] { return server_->connections() == 1; }));
  gate.let_through();
  auto reply = held.get();
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ(*reply, "held");
  EXPECT_EQ(stopped.get(), Status());
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_P(PooledLifecycleTest, StoppingWithoutPatienceCancelsWhatIsInFlight) {
  serve();
  const Channel channel = connect();
  auto hanging = std::async(std::launch::async, [&] {
    return call(*channel.ferry_caller(), testing::kHang, "", {.deadline = 30s}).status();
  });
  ASSERT_TRUE(eventually([&] { return echo_.hanging.load() == 1; }));
  EXPECT_EQ(server_->stop(0ms), Status());
  EXPECT_EQ(hanging.get(), Status::cancelled("the server has stopped"));
  EXPECT_EQ(echo_.hanging.load(), 0);
}

TEST_P(ServerLifecycleTest, TheNextCallFindsARestartedServer) {
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

TEST_P(ServerLifecycleTest, NothingIsLeftOpenAfterwards) {
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

TEST_P(ServerLifecycleTest, AForkedChildIsToldThatChannelAndServerAreNotIts) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a sanitizer's own locks may be held by another thread at the fork";
#endif
  serve();
  const Channel channel = connect();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (const Status& status :
         {call(*channel.ferry_caller(), testing::kEchoMethod, "x").status(),
          server_->listen(target() + "2"), server_->stop(), server_->wait()}) {
      if (status.code() != StatusCode::kFailedPrecondition) ::_exit(1);
    }
    ::_exit(0);
  }
  int exit = -1;
  ASSERT_EQ(::waitpid(child, &exit, 0), child);
  EXPECT_EQ(exit, 0);
  EXPECT_TRUE(call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s}));
}

INSTANTIATE_TEST_SUITE_P(Lanes, ServerLifecycleTest,
                         ::testing::ValuesIn(cases({Executor::kPool, Executor::kInline})), name_of);
INSTANTIATE_TEST_SUITE_P(Lanes, PooledLifecycleTest, ::testing::ValuesIn(cases({Executor::kPool})),
                         name_of);

TEST(ServerLifecycle, AdoptingTakesTheSocketAlsoWhenItFails) {
  EchoService echo;
  Server server({.connections = 0, .log = nullptr});
  server.add(echo);
  ASSERT_EQ(server.listen("inproc:taken"), Status());  // what the server opens is open now
  const std::size_t before = open_descriptors();
  const auto pipe_end = [] {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ::close(ends[1]);
    return UniqueFd(ends[0]);
  };
  EXPECT_EQ(Channel::adopt(pipe_end()).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Channel::adopt(UniqueFd()).status().code(), StatusCode::kInvalidArgument);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  EXPECT_EQ(server.adopt(UniqueFd(ends[0])).code(), StatusCode::kResourceExhausted);
  ::close(ends[1]);
  EXPECT_EQ(open_descriptors(), before);

  Server roomy({.log = nullptr});
  roomy.add(echo);
  ASSERT_EQ(roomy.listen("inproc:taken too"), Status());
  const std::size_t after = open_descriptors();
  EXPECT_EQ(roomy.adopt(pipe_end()).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(roomy.adopt(UniqueFd()).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(open_descriptors(), after);
}

TEST(ServerLifecycle, RunIsWatchedAndStoppedFromAnotherThread) {
  const Directory directory;
  EchoService echo;
  Server server;
  server.add(echo);
  auto run =
      std::async(std::launch::async, [&] { return server.run("unix:" + directory.socket()); });
  Result<Channel> channel = Status::unavailable("not tried");
  ASSERT_TRUE(eventually([&] {
    channel = Channel::connect("unix:" + directory.socket());
    return channel.ok();
  }));
  EXPECT_TRUE(eventually([&] { return server.connections() == 1; }));
  EXPECT_EQ(server.stop(), Status());
  EXPECT_EQ(run.get(), Status());
  EXPECT_EQ(server.connections(), 0U);
}

TEST(ServerLifecycle, AServerThatWasStoppedBeforeItRanDoesNotRun) {
  const Directory directory;
  EchoService echo;
  Server server;
  server.add(echo);
  EXPECT_EQ(server.stop(), Status());
  EXPECT_EQ(server.run("unix:" + directory.socket()).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(server.wait(), Status());
}

TEST(ServerLifecycle, SocketpairsConnectAdoptingEndsOneAfterTheOther) {
  EchoService echo;
  Server server;
  server.add(echo);
  std::vector<Channel> channels;
  for (int i = 0; i < 3; ++i) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ASSERT_EQ(server.adopt(UniqueFd(ends[0])), Status());
    if (i == 0) {
      ASSERT_EQ(server.start(), Status());
    }
    auto channel = Channel::adopt(UniqueFd(ends[1]));
    ASSERT_TRUE(channel) << channel.status();
    channels.push_back(std::move(*channel));
  }
  for (const Channel& channel : channels) {
    auto reply = call(*channel.ferry_caller(), testing::kEchoMethod, "adopted", {.deadline = 5s});
    ASSERT_TRUE(reply) << reply.status();
    EXPECT_EQ(*reply, "adopted");
  }
}

}  // namespace
}  // namespace ferry
