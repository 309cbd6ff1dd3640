// What a server with too much to do says: RESOURCE_EXHAUSTED, with the option, its value and what
// was asked. And that it goes on when there is less.
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "tests/drivers/echo_service.h"
#include "tests/support/gate.h"
#include "tests/support/processes.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using testing::call;
using testing::Directory;
using testing::EchoService;
using testing::eventually;
using testing::Gate;
using testing::kEchoMethod;

class OverloadTest : public ::testing::TestWithParam<std::string> {
 protected:
  std::string target() const { return GetParam() + ":" + directory_.socket(); }
  void serve(ServerOptions options) {
    options.log = nullptr;
    echo_.gate = &gate_;
    server_ = std::make_unique<Server>(std::move(options));
    server_->add(echo_);
    ASSERT_EQ(server_->listen(target()), Status());
    ASSERT_EQ(server_->start(), Status());
  }
  void expect_words(const Status& status, const std::string& words) {
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
    EXPECT_NE(status.message().find(words), std::string::npos) << status;
  }

  Directory directory_;
  Gate gate_;
  EchoService echo_;
  std::unique_ptr<Server> server_;
};

TEST_P(OverloadTest, AFullPoolQueueRefusesTheNextCall) {
  serve({.pool_threads = 1, .pool_queue = 2});
  auto channel = Channel::connect(target());
  ASSERT_TRUE(channel) << channel.status();
  const auto hold = [&] {
    return call(*channel->ferry_caller(), testing::kHold, "x", {.deadline = 30s}).status();
  };
  auto running = std::async(std::launch::async, hold);
  ASSERT_TRUE(gate_.await_arrival());
  // Three more for a queue of two: one of them has no place.
  std::vector<std::future<Status>> others;
  for (int i = 0; i < 3; ++i) others.push_back(std::async(std::launch::async, hold));
  std::vector<Status> ended;
  const auto collect = [&] {
    for (auto& other : others) {
      if (other.valid() && other.wait_for(0s) == std::future_status::ready) {
        ended.push_back(other.get());
      }
    }
    return !ended.empty();
  };
  EXPECT_TRUE(eventually(collect));
  ASSERT_EQ(ended.size(), 1U);
  expect_words(ended.front(), "call 3, ServerOptions::pool_queue is 2");
  for (int i = 0; i < 3; ++i) gate_.let_through();
  EXPECT_EQ(running.get(), Status());
  for (auto& other : others) {
    if (!other.valid()) continue;
    EXPECT_EQ(other.get(), Status());
  }
  EXPECT_TRUE(call(*channel->ferry_caller(), kEchoMethod, "x", {.deadline = 5s}));
}

TEST_P(OverloadTest, AFullServerRefusesTheNextConnection) {
  serve({.connections = 2});
  auto one = Channel::connect(target());
  auto two = Channel::connect(target());
  ASSERT_TRUE(one && two);
  ASSERT_TRUE(eventually([&] { return server_->connections() == 2; }));
  expect_words(Channel::connect(target()).status(),
               "connection 3, ServerOptions::connections is 2");
  EXPECT_TRUE(call(*one->ferry_caller(), kEchoMethod, "x", {.deadline = 5s}));
  EXPECT_EQ(one->close(), Status());
  EXPECT_TRUE(eventually([&] { return server_->connections() == 1; }));
  auto three = Channel::connect(target());
  ASSERT_TRUE(three) << three.status();
  EXPECT_TRUE(call(*three->ferry_caller(), kEchoMethod, "x", {.deadline = 5s}));
}

TEST_P(OverloadTest, ClientsThatComeTogetherDoNotGetPastTheLimit) {
  serve({.connections = 2});
  constexpr int kClients = 8;
  std::vector<std::future<Result<Channel>>> clients;
  std::atomic<int> served{0};
  std::atomic<int> refused{0};
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::async(std::launch::async, [&]() -> Result<Channel> {
      auto channel = Channel::connect(target());
      Status status = channel.status();
      if (status.ok()) {
        status = call(*channel->ferry_caller(), kEchoMethod, "x", {.deadline = 5s}).status();
      }
      if (status.ok()) served.fetch_add(1);
      // One that shook hands while others did, and found the server full behind the door.
      const bool full = status.code() == StatusCode::kResourceExhausted ||
                        status.code() == StatusCode::kUnavailable;
      if (full) refused.fetch_add(1);
      return channel;
    }));
  }
  std::vector<Result<Channel>> kept;
  for (auto& client : clients) kept.push_back(client.get());
  EXPECT_EQ(served.load(), 2);
  EXPECT_EQ(refused.load(), kClients - 2);
  EXPECT_EQ(server_->connections(), 2U);
}

std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

INSTANTIATE_TEST_SUITE_P(Lanes, OverloadTest, ::testing::Values("inproc", "unix", "shm", "memfd"),
                         &name_of);

TEST(Overload, WithoutALaneThreadTheNextShmConnectionIsRefusedAndAutoGoesOn) {
  const Directory directory;
  EchoService echo;
  Server server({.lane_threads = 1, .log = nullptr});
  server.add(echo);
  ASSERT_EQ(server.listen("auto:" + directory.socket()), Status());
  ASSERT_EQ(server.start(), Status());
  auto first = Channel::connect("shm:" + directory.socket());
  ASSERT_TRUE(first) << first.status();
  const Status second = Channel::connect("shm:" + directory.socket()).status();
  EXPECT_EQ(second.code(), StatusCode::kResourceExhausted) << second;
  EXPECT_NE(second.message().find("connection 2 that needs a thread of its own, "
                                  "ServerOptions::lane_threads is 1"),
            std::string::npos)
      << second;
  auto other = Channel::connect("auto:" + directory.socket() + "?order=shm,unix");
  ASSERT_TRUE(other) << other.status();
  EXPECT_EQ(other->transport(), "unix");
  EXPECT_NE(other->explain().find("lane_threads"), std::string::npos) << other->explain();
}

}  // namespace
}  // namespace ferry
