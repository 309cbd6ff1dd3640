// SIGTERM and SIGINT to a process whose server is in run(): it takes nothing new, finishes what it
// has or gives it up at the deadline, and ends.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <future>
#include <string>

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
using testing::Process;

class ShutdownTest : public ::testing::TestWithParam<std::string> {
 protected:
  std::string target() const { return GetParam() + ":" + directory_.socket(); }
  int serve(std::chrono::nanoseconds drain) {
    EchoService echo;
    echo.gate = &gate_;
    Server server({.drain = drain});
    server.add(echo);
    return exit_code(server.run(target()));
  }
  Channel connect() const {
    Result<Channel> channel = Status::unavailable("not tried");
    eventually([&] {
      channel = Channel::connect(target());
      return channel.ok();
    });
    EXPECT_TRUE(channel) << channel.status();
    return std::move(*channel);
  }
  // A call that is held in its handler.
  std::future<Result<std::string>> hold(const Channel& channel) const {
    auto held = std::async(std::launch::async, [&channel] {
      return call(*channel.ferry_caller(), testing::kHold, "held", {.deadline = 30s});
    });
    EXPECT_TRUE(gate_.await_arrival());
    return held;
  }
  void expect_drained_by(int signal);

  Directory directory_;
  Gate gate_;
};

void ShutdownTest::expect_drained_by(int signal) {
  Process server([this] { return serve(kNoDeadline); });
  const Channel channel = connect();
  auto held = hold(channel);
  server.signal(signal);
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(directory_.socket()); }));
  const Status refused = Channel::connect(target()).status();
  EXPECT_EQ(refused.code(), StatusCode::kUnavailable) << refused;
  EXPECT_NE(held.wait_for(0s), std::future_status::ready);
  gate_.let_through();
  auto reply = held.get();
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ(*reply, "held");
  EXPECT_EQ(server.wait(), 0);
}

TEST_P(ShutdownTest, SigtermLetsTheCallInFlightEndAndNothingElseBegin) {
  expect_drained_by(SIGTERM);
}

TEST_P(ShutdownTest, SigintDoesTheSame) { expect_drained_by(SIGINT); }

TEST_P(ShutdownTest, AtTheDeadlineTheCallIsCancelledAndTheServerEndsWithItsHandler) {
  Process server([this] { return serve(20ms); });
  const Channel channel = connect();
  auto held = hold(channel);
  server.signal(SIGTERM);
  EXPECT_EQ(held.get().status(), Status::cancelled("the server has stopped"));
  gate_.let_through();
  EXPECT_EQ(server.wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(directory_.socket()));
}

TEST_P(ShutdownTest, ASecondSignalDoesNotCutTheDrainShort) {
  Process server([this] { return serve(kNoDeadline); });
  const Channel channel = connect();
  auto held = hold(channel);
  server.signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(directory_.socket()); }));
  server.signal(SIGTERM);
  gate_.let_through();
  EXPECT_TRUE(held.get());
  EXPECT_EQ(server.wait(), 0);
}

std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

INSTANTIATE_TEST_SUITE_P(Lanes, ShutdownTest,
                         ::testing::Values("unix", "fifo", "mq", "shm", "memfd"), &name_of);

}  // namespace
}  // namespace ferry
