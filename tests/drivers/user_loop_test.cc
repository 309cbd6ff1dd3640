// A Server on a libuv loop of the user's: the test's own thread runs it.
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <thread>

#include <gtest/gtest.h>
#include <uv.h>

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
using testing::kEchoMethod;
using testing::name_of;

class UserLoopTest : public ::testing::TestWithParam<testing::Case> {
 protected:
  void SetUp() override {
    ASSERT_EQ(uv_loop_init(&loop_), 0);
    echo_.gate = &gate_;
    make_server();
  }
  void TearDown() override {
    server_.reset();
    // Nothing of the server's keeps the loop from ending.
    EXPECT_EQ(uv_run(&loop_, UV_RUN_DEFAULT), 0);
    EXPECT_EQ(uv_loop_close(&loop_), 0);
  }

  void make_server() {
    server_ = std::make_unique<Server>(
        ServerOptions{.log = nullptr, .loop = &loop_, .on_stopped = [this] {
                        ++stopped_;
                        stopped_on_ = std::this_thread::get_id();
                        if (in_on_stopped_) in_on_stopped_();
                      }});
    server_->add(echo_, {.executor = GetParam().executor});
  }
  std::string target() const { return GetParam().scheme + ":" + directory_.socket(); }
  void serve() {
    ASSERT_EQ(server_->listen(target()), Status());
    ASSERT_EQ(server_->start(), Status());
  }
  // Runs the loop until `condition` holds.
  template <typename Condition>
  bool run_until(Condition condition) {
    return eventually([&] {
      uv_run(&loop_, UV_RUN_NOWAIT);
      return condition();
    });
  }
  // What `task`, in a thread of its own, returns while the loop runs.
  template <typename Task>
  auto beside_the_loop(Task task) {
    auto result = std::async(std::launch::async, std::move(task));
    EXPECT_TRUE(run_until([&] { return result.wait_for(0s) == std::future_status::ready; }));
    return result.get();
  }
  std::unique_ptr<Channel> connect() {
    auto channel = beside_the_loop([this] { return Channel::connect(target()); });
    EXPECT_TRUE(channel) << channel.status();
    return channel ? std::make_unique<Channel>(std::move(*channel)) : nullptr;
  }

  uv_loop_t loop_{};
  Directory directory_;
  Gate gate_;
  EchoService echo_;
  std::unique_ptr<Server> server_;
  int stopped_ = 0;
  std::thread::id stopped_on_;
  std::function<void()> in_on_stopped_;
};

// Handlers that wait for the test, which they must not on the loop's thread.
class PooledUserLoopTest : public UserLoopTest {
 protected:
  // A call that is held in its handler.
  std::future<Result<std::string>> hold(const Channel& channel) {
    auto held = std::async(std::launch::async, [&channel] {
      return call(*channel.ferry_caller(), testing::kHold, "held", {.deadline = 30s});
    });
    auto arrived = std::async(std::launch::async, [this] { return gate_.await_arrival(); });
    EXPECT_TRUE(run_until([&] { return arrived.wait_for(0s) == std::future_status::ready; }));
    EXPECT_TRUE(arrived.get());
    return held;
  }
};

TEST_P(UserLoopTest, ServesCallsSmallAndLarge) {
  serve();
  const auto channel = connect();
  ASSERT_TRUE(channel);
  for (const std::size_t size : {1U, 1000U, 1'000'000U}) {
    const std::string text(size, 'x');
    auto reply = beside_the_loop(
        [&] { return call(*channel->ferry_caller(), kEchoMethod, text, {.deadline = 20s}); });
    ASSERT_TRUE(reply) << reply.status();
    EXPECT_TRUE(*reply == text);
  }
}

TEST_P(UserLoopTest, AdoptsAConnectedSocket) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ASSERT_EQ(server_->adopt(UniqueFd(ends[0])), Status());
  ASSERT_EQ(server_->start(), Status());
  auto reply = beside_the_loop([&]() -> Result<std::string> {
    auto channel = Channel::adopt(UniqueFd(ends[1]));
    if (!channel) return channel.status();
    return call(*channel->ferry_caller(), kEchoMethod, "adopted", {.deadline = 5s});
  });
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ(*reply, "adopted");
}

TEST_P(UserLoopTest, StoppingTellsItsEndOnceOnTheLoopsThread) {
  serve();
  const auto channel = connect();
  ASSERT_TRUE(channel);
  EXPECT_EQ(server_->stop(), Status());
  EXPECT_EQ(stopped_, 0) << "it only begins";
  EXPECT_EQ(server_->stop(0s), Status());
  ASSERT_TRUE(run_until([&] { return stopped_ > 0; }));
  EXPECT_EQ(stopped_on_, std::this_thread::get_id());
  EXPECT_EQ(server_->connections(), 0U);
  EXPECT_EQ(server_->listen(target() + "2").code(), StatusCode::kFailedPrecondition);
  auto late = beside_the_loop(
      [&] { return call(*channel->ferry_caller(), kEchoMethod, "x", {.deadline = 5s}).status(); });
  EXPECT_EQ(late.code(), StatusCode::kUnavailable) << late;
  EXPECT_EQ(server_->stop(), Status());
  server_.reset();
  EXPECT_EQ(stopped_, 1);
}

TEST_P(UserLoopTest, TheServerMayBeDestroyedWhenItHasStoppedAndTheLoopEnds) {
  serve();
  const auto channel = connect();
  ASSERT_TRUE(channel);
  in_on_stopped_ = [this] { server_.reset(); };
  std::thread([this] { EXPECT_EQ(server_->stop(), Status()); }).join();  // from any thread
  EXPECT_EQ(uv_run(&loop_, UV_RUN_DEFAULT), 0) << "the server was all that kept the loop";
  EXPECT_EQ(stopped_, 1);
  EXPECT_FALSE(server_);
}

TEST_P(UserLoopTest, DestroyingItTellsNobody) {
  serve();
  const auto channel = connect();
  ASSERT_TRUE(channel);
  server_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);
  EXPECT_EQ(stopped_, 0);
  const Status late = call(*channel->ferry_caller(), kEchoMethod, "x", {.deadline = 5s}).status();
  EXPECT_EQ(late.code(), StatusCode::kUnavailable) << late;
}

TEST_P(UserLoopTest, WhatWouldBlockOrRunAnotherLoopIsRefused) {
  EXPECT_EQ(server_->run(target()).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(server_->wait().code(), StatusCode::kFailedPrecondition);
}

TEST_P(PooledUserLoopTest, StoppingLetsCallsInFlightEnd) {
  serve();
  const auto channel = connect();
  ASSERT_TRUE(channel);
  auto held = hold(*channel);
  EXPECT_EQ(server_->stop(kNoDeadline), Status());
  const auto refused = [&] {
    return beside_the_loop([&] { return Channel::connect(target()).status().code(); }) ==
           StatusCode::kUnavailable;
  };
  EXPECT_TRUE(eventually(refused));
  EXPECT_EQ(stopped_, 0);
  EXPECT_EQ(server_->connections(), 1U);
  gate_.let_through();
  EXPECT_TRUE(run_until([&] { return stopped_ == 1; }));
  auto reply = held.get();
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ(*reply, "held");
}

TEST_P(PooledUserLoopTest, OutOfPatienceItCancelsTheCallAndTellsOnceItsHandlerReturned) {
  serve();
  const auto channel = connect();
  ASSERT_TRUE(channel);
  auto held = hold(*channel);
  EXPECT_EQ(server_->stop(0s), Status());
  EXPECT_TRUE(run_until([&] { return held.wait_for(0s) == std::future_status::ready; }));
  EXPECT_EQ(held.get().status(), Status::cancelled("the server has stopped"));
  EXPECT_TRUE(run_until([&] { return server_->connections() == 0; }));
  EXPECT_EQ(stopped_, 0) << "its handler is still inside the service";
  gate_.let_through();
  EXPECT_TRUE(run_until([&] { return stopped_ == 1; }));
}

constexpr auto kSchemes = {"inproc", "unix", "memfd", "shm"};

INSTANTIATE_TEST_SUITE_P(Lanes, UserLoopTest,
                         ::testing::ValuesIn(cases({Executor::kPool, Executor::kInline}, kSchemes)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Lanes, PooledUserLoopTest,
                         ::testing::ValuesIn(cases({Executor::kPool}, kSchemes)), name_of);

}  // namespace
}  // namespace ferry
