// kill -9 of either process at every one of its system calls, from the first to the first reply:
// nothing stays, and the other side is told or serves on.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <mqueue.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>
#include <ferry/unique_fd.h>

#include "tests/drivers/echo_service.h"
#include "tests/e2e/detection.h"
#include "tests/support/kernel_objects.h"
#include "tests/support/processes.h"
#include "tests/support/traced.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::call;
using testing::Directory;
using testing::EchoService;
using testing::eventually;
using testing::kEchoMethod;
using testing::make_mark;
using testing::Mark;
using testing::names_in;
using testing::Process;
using testing::Victim;
using Names = std::vector<std::string>;

// More system calls than any of these programs makes: a test that gets there has lost its end.
constexpr int kMost = 2000;

const Names kWhileServing = {"s.sock", "s.sock.lock"};
const Names kAfterwards = {"s.sock.lock"};

enum ExitCode { kOk = 0, kFailed = 1, kUnavailable = 2 };

// Connects once and makes one call.
int one_call(const std::string& target) {
  auto channel = Channel::connect(target, {.spin = Spin::kOff});
  Status status = channel.status();
  if (channel) status = call(*channel->ferry_caller(), kEchoMethod, "x", {.deadline = 5s}).status();
  if (status.ok()) return kOk;
  if (status.code() == StatusCode::kUnavailable) return kUnavailable;
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  return kFailed;
}

// Marks the beginning, listens and ends.
int listen_once(const std::string& target) {
  EchoService echo;
  Server server({.log = nullptr});
  server.add(echo);
  make_mark(Mark::kBegin);
  return exit_code(server.listen(target));
}

// Until SIGTERM. The handshake is on one thread with the loop, so that its system calls come in the
// same order in every run.
int serve(const std::string& target) {
  EchoService echo;
  Server server({.spin = Spin::kOff, .pool_threads = 1, .log = nullptr});
  server.add(echo);
  make_mark(Mark::kBegin);
  return exit_code(server.run(target));
}

bool queue_left() {
  const std::string name = "/ferry-" + std::to_string(::geteuid());
  return UniqueFd(::mq_open(name.c_str(), O_RDONLY)).valid();
}

class KillSteps : public ::testing::TestWithParam<std::string> {
 protected:
  std::string target() const { return GetParam() + ":" + directory_.socket(); }
  Names names() const { return names_in(directory_.path()); }
  bool fifo_left() const {
    const Names now = names();
    return std::any_of(now.begin(), now.end(),
                       [](const std::string& name) { return name.ends_with(".fifo"); });
  }
  struct Round {
    bool killed = false;  // or its client had its reply before that system call
    int told = kFailed;   // the client
    std::chrono::nanoseconds took{0};
  };
  // A server is killed at that system call of its own since it parked, while a client of it
  // connects and calls.
  Round kill_server_at(int step) {
    int go[2] = {-1, -1};
    EXPECT_EQ(::pipe2(go, O_CLOEXEC), 0);
    const UniqueFd ready(go[0]);
    UniqueFd begin(go[1]);
    Process client([&] {
      begin.reset();
      char nothing = 0;
      static_cast<void>(::read(ready.get(), &nothing, 1));
      return one_call(target());
    });
    Victim server([&] {
      begin.reset();
      return serve(target());
    });
    EXPECT_TRUE(server.started());
    Round round;
    round.killed = server.kill_at(
        step, [&] { begin.reset(); }, client.pid());
    const auto died = steady_clock::now();
    begin.reset();
    round.told = client.wait();
    round.took = steady_clock::now() - died;
    return round;
  }
  // Another server on the same target begins and ends, and then all is as before.
  void expect_that_the_next_server_cleans_up(int step) {
    Process next([this] { return listen_once(target()); });
    ASSERT_EQ(next.wait(), 0) << "after a kill at system call " << step;
    ASSERT_EQ(names(), kAfterwards) << "after a kill at system call " << step;
    ASSERT_EQ(objects_.list(), before_) << "after a kill at system call " << step;
    ASSERT_FALSE(queue_left()) << "after a kill at system call " << step;
  }

  Directory directory_;
  const testing::KernelObjects objects_;
  const std::string before_ = objects_.list();
};

TEST_P(KillSteps, AServerKilledWhileItBeginsToListenIsNoObstacleToTheNext) {
  int step = 1;
  for (; step < kMost; ++step) {
    Victim server([this] { return listen_once(target()); });
    ASSERT_TRUE(server.started());
    if (!server.kill_at(step)) break;
    expect_that_the_next_server_cleans_up(step);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(step, 10) << "it was killed nowhere";
  EXPECT_LT(step, kMost);
}

TEST_P(KillSteps, AServerKilledInTheHandshakeOrTheCallLeavesNothingAndItsClientIsTold) {
  bool left = false;
  Round round{.killed = true};
  int step = 1;
  for (; step < kMost && round.killed; ++step) {
    EXPECT_TRUE(testing::detected_in_time([&] {
      round = kill_server_at(step);
      left = left || fifo_left() || queue_left();
      if (round.killed) expect_that_the_next_server_cleans_up(step);
      return round.took;
    })) << "system call "
        << step;
    // Once it has given the reply the server may die as it likes.
    ASSERT_TRUE(round.told == kOk || (round.told == kUnavailable && round.killed)) << step;
    if (HasFailure()) return;
  }
  EXPECT_GT(step, 10) << "it was killed nowhere";
  EXPECT_LT(step, kMost);
  // The test must have hit the moments that it is about.
  EXPECT_EQ(left, GetParam() == "fifo" || GetParam() == "mq");
}

TEST_P(KillSteps, AClientKilledInTheHandshakeOrTheCallLeavesNothingAndTheServerServesOn) {
  Process server([this] { return serve(target()); });
  const auto other_is_served = [this] {
    Process other([this] { return one_call(target()); });
    return other.wait() == kOk;
  };
  ASSERT_TRUE(eventually([&] { return names() == kWhileServing && other_is_served(); }));
  // That client's may still be among them, which hides nothing: each kill that leaks adds to it.
  const std::size_t descriptors = testing::open_descriptors(server.pid());
  int step = 1;
  for (; step < kMost; ++step) {
    Victim client([this] {
      make_mark(Mark::kBegin);
      return one_call(target());
    });
    ASSERT_TRUE(client.started());
    const bool killed = client.kill_at(step);
    ASSERT_TRUE(other_is_served()) << "after a kill at system call " << step;
    ASSERT_TRUE(eventually([&] { return testing::open_descriptors(server.pid()) <= descriptors; }))
        << "after a kill at system call " << step;
    ASSERT_EQ(names(), kWhileServing) << "after a kill at system call " << step;
    if (!killed) break;
  }
  EXPECT_GT(step, 10) << "it was killed nowhere";
  EXPECT_LT(step, kMost);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_EQ(names(), kAfterwards);
  EXPECT_EQ(objects_.list(), before_);
}

INSTANTIATE_TEST_SUITE_P(Lanes, KillSteps,
                         ::testing::Values("unix", "fifo", "mq", "shm", "memfd", "auto"),
                         [](const auto& lane) { return lane.param; });

}  // namespace
}  // namespace ferry
