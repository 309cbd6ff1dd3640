// kill -9 of either process in the middle of traffic, over every lane: the other side's calls end,
// nothing stays. kill_steps_test.cc has every moment up to the first reply.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "tests/drivers/echo_service.h"
#include "tests/e2e/detection.h"
#include "tests/support/kernel_objects.h"
#include "tests/support/processes.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::call;
using testing::Directory;
using testing::EchoService;
using testing::eventually;
using testing::kEchoMethod;
using testing::Process;

int serve(const std::string& target) {
  EchoService echo;
  Server server;
  server.add(echo, {.executor = Executor::kPool});
  return exit_code(server.run(target));
}

Channel connect(const std::string& target, const ConnectOptions& options = {}) {
  Result<Channel> channel = Status::unavailable("not tried");
  eventually([&] {
    channel = Channel::connect(target, options);
    return channel.ok();
  });
  EXPECT_TRUE(channel) << channel.status();
  return std::move(*channel);
}

std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

class KillTest : public ::testing::TestWithParam<std::string> {
 protected:
  std::string target() const { return GetParam() + ":" + directory_.socket(); }
  // Nothing but the socket and its lock file.
  void expect_clean_directory() const {
    EXPECT_EQ(testing::names_in(directory_.path()),
              (std::vector<std::string>{"s.sock", "s.sock.lock"}));
  }

  // Kills a server when three threads have begun that many calls. How long after that the slowest
  // of the pending calls ended.
  std::chrono::nanoseconds kill_server_at(int moment) const {
    Process server([this] { return serve(target()); });
    const Channel channel = connect(target());
    std::atomic<int> started{0};
    std::atomic<int> wrong{0};
    std::vector<steady_clock::time_point> ended(3);
    std::vector<std::thread> callers;
    for (std::size_t t = 0; t < ended.size(); ++t) {
      callers.emplace_back([&, t] {
        // One hangs in a handler, the others call all the time.
        const auto& method = t == 0 ? testing::kHang : kEchoMethod;
        Status status;
        while (status.ok()) {
          started.fetch_add(1);
          status = call(*channel.ferry_caller(), method, std::string(100 * t, 'x')).status();
        }
        ended[t] = steady_clock::now();
        if (status.code() != StatusCode::kUnavailable) wrong.fetch_add(1);
      });
    }
    EXPECT_TRUE(eventually([&] { return started.load() >= moment; }));
    const auto killed = steady_clock::now();
    server.kill();
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(wrong.load(), 0);
    return *std::max_element(ended.begin(), ended.end()) - killed;
  }

  Directory directory_;
  const testing::KernelObjects objects_;
  std::mt19937 random_{20261123};  // the same moments each run
};

TEST_P(KillTest, AKilledServerEndsEveryPendingCallWithUnavailable) {
  const std::string before = objects_.list();
  for (int round = 0; round < 20; ++round) {
    // Some way into the traffic, at a call that differs from round to round.
    const int moment = 3 + static_cast<int>(random_() % 400);
    EXPECT_TRUE(testing::detected_in_time([&] { return kill_server_at(moment); }))
        << "round " << round;
    expect_clean_directory();
  }
  EXPECT_EQ(objects_.list(), before);
}

TEST_P(KillTest, AKilledClientLeavesNothingAndTheServerServesTheOthers) {
  const std::string before = objects_.list();
  std::vector<int> moments;
  for (int round = 0; round < 12; ++round) moments.push_back(static_cast<int>(random_() % 2000));
  // Clients first: they must be forked before this process has threads.
  std::vector<std::unique_ptr<Process>> clients;
  for (std::size_t round = 0; round < moments.size(); ++round) {
    clients.push_back(std::make_unique<Process>([this] {
      const Channel channel = connect(target());
      while (call(*channel.ferry_caller(), kEchoMethod, "x")) {
      }
      return 1;
    }));
    clients.back()->signal(SIGSTOP);
  }
  EchoService echo;
  Server server({.log = nullptr});
  server.add(echo);
  ASSERT_EQ(server.listen(target()), Status());
  ASSERT_EQ(server.start(), Status());
  // It always parks: what a lane opens to park is there after the first call.
  auto other = std::make_unique<Channel>(connect(target(), {.spin = Spin::kOff}));
  ASSERT_TRUE(call(*other->ferry_caller(), kEchoMethod, "warm up", {.deadline = 5s}));
  ASSERT_TRUE(eventually([&] { return server.connections() == 1; }));
  const std::size_t descriptors = testing::open_descriptors();
  for (std::size_t round = 0; round < clients.size(); ++round) {
    const int until = echo.calls.load() + moments[round];
    clients[round]->signal(SIGCONT);
    ASSERT_TRUE(eventually([&] { return echo.calls.load() > until; }));
    clients[round]->kill();
    EXPECT_TRUE(eventually([&] { return server.connections() == 1; }));
    EXPECT_TRUE(call(*other->ferry_caller(), kEchoMethod, "still here", {.deadline = 5s}));
  }
  EXPECT_TRUE(eventually([&] { return testing::open_descriptors() == descriptors; }))
      << testing::open_descriptors() << " open, " << descriptors << " before";
  expect_clean_directory();
  other.reset();
  ASSERT_EQ(server.stop(), Status());
  EXPECT_EQ(objects_.list(), before);
}

TEST_P(KillTest, AKilledClientsHandlerIsToldThatItsCallIsCancelled) {
  std::vector<std::unique_ptr<Process>> clients;
  for (int round = 0; round < 5; ++round) {  // as many as detected_in_time() may want
    clients.push_back(std::make_unique<Process>([this] {
      const Channel channel = connect(target());
      static_cast<void>(call(*channel.ferry_caller(), testing::kHang, "x"));
      return 1;
    }));
    clients.back()->signal(SIGSTOP);
  }
  EchoService echo;
  Server server({.log = nullptr});
  server.add(echo, {.executor = Executor::kPool});
  ASSERT_EQ(server.listen(target()), Status());
  ASSERT_EQ(server.start(), Status());
  EXPECT_TRUE(testing::detected_in_time([&] {
    Process& client = *clients.back();
    client.signal(SIGCONT);
    EXPECT_TRUE(eventually([&] { return echo.hanging.load() == 1; }));
    const auto killed = steady_clock::now();
    client.kill();
    EXPECT_TRUE(eventually([&] { return echo.hanging.load() == 0; }));
    const auto took = steady_clock::now() - killed;
    clients.pop_back();
    return took;
  }));
  ASSERT_EQ(server.stop(), Status());
}

TEST_P(KillTest, AFrozenServerIsEndedByTheDeadlineAndLaterCallsWork) {
  Process server([this] { return serve(target()); });
  const Channel channel = connect(target());
  ASSERT_TRUE(call(*channel.ferry_caller(), kEchoMethod, "x", {.deadline = 5s}));
  server.signal(SIGSTOP);
  EXPECT_EQ(call(*channel.ferry_caller(), kEchoMethod, "x", {.deadline = 50ms}).status().code(),
            StatusCode::kDeadlineExceeded);
  server.signal(SIGCONT);
  auto reply = call(*channel.ferry_caller(), kEchoMethod, "y", {.deadline = 5s});
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ(*reply, "y");
}

INSTANTIATE_TEST_SUITE_P(Lanes, KillTest,
                         ::testing::Values("unix", "fifo", "mq", "shm", "memfd", "auto"), &name_of);

}  // namespace
}  // namespace ferry
