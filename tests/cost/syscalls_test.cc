// The system calls of one small unary call, client and server each: docs/transports.md has the
// table.
#include <chrono>
#include <sched.h>
#include <string>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "tests/cost/syscall_counter.h"
#include "tests/drivers/echo_service.h"
#include "tests/support/processes.h"

namespace ferry {
namespace {

using testing::call;
using testing::kEchoMethod;

constexpr int kWarmUp = 200;
constexpr int kAttempts = 8;

struct Cost {
  std::string transport;
  Spin spin = Spin::kOff;
  Executor executor = Executor::kInline;
  int calls = 0;
  double client = 0;  // at most, a call
  double server = 0;
  CallOptions options;
  // What a failing test prints.
  friend std::ostream& operator<<(std::ostream& out, const Cost& cost) {
    return out << cost.transport;
  }
};

// Two that talk while both are awake need a CPU each; the scheduler alone may put them on one.
void take_cpu(int cpu, const Cost& cost) {
  if (cost.spin == Spin::kOff) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

int serve(const std::string& target, const Cost& cost) {
  take_cpu(1, cost);
  testing::EchoService echo;
  Server server({.spin = cost.spin});
  server.add(echo, {.executor = cost.executor});
  return exit_code(server.run(target));
}

int make_calls(const std::string& target, const Cost& cost) {
  take_cpu(0, cost);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  Result<Channel> channel = Channel::connect(target, {.spin = cost.spin});
  while (!channel && std::chrono::steady_clock::now() < give_up) {  // the server is starting
    channel = Channel::connect(target, {.spin = cost.spin});
  }
  if (!channel) return exit_code(channel.status());
  const std::string text(64, 'x');
  for (int i = 0; i < kWarmUp + cost.calls; ++i) {
    if (i == kWarmUp) testing::begin_counting();
    auto reply = call(*channel->ferry_caller(), kEchoMethod, text, cost.options);
    if (!reply || *reply != text) return exit_code(reply.status());
  }
  testing::end_counting();
  return 0;
}

class SystemCalls : public ::testing::TestWithParam<Cost> {};

TEST_P(SystemCalls, AreNoMoreThanTheTableSays) {
  const Cost& cost = GetParam();
  // A wake-up too many now and then is not the design's cost, nor is a spin that gave up because
  // somebody else needed the CPU: hence a little slack, and more than one try.
  const double slack = cost.client >= 1 ? 0.1 : 0;
  double client = 0;
  double server = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const testing::Directory directory;
    const std::string target = cost.transport + ":" + directory.socket();
    const auto counts = testing::count_system_calls(
        {[&] { return serve(target, cost); }, [&] { return make_calls(target, cost); }});
    ASSERT_TRUE(counts);
    server = static_cast<double>((*counts)[0]) / cost.calls;
    client = static_cast<double>((*counts)[1]) / cost.calls;
    std::printf("%s: client %.3f, server %.3f system calls a call\n", cost.transport.c_str(),
                client, server);
    if (client <= cost.client + slack && server <= cost.server + slack) break;
  }
  EXPECT_LE(client, cost.client + slack);
  EXPECT_LE(server, cost.server + slack);
}

std::string name_of(const ::testing::TestParamInfo<Cost>& info) {
  const Cost& cost = info.param;
  return cost.transport + (cost.spin == Spin::kOff ? "_parked" : "_awake") +
         (cost.executor == Executor::kInline ? "_inline" : "_pool") +
         (cost.options.deadline == kNoDeadline ? "" : "_deadline");
}

constexpr int kParkedCalls = 2000;
constexpr int kAwakeCalls = 100000;

// A FIFO cannot be read with a time limit: with a deadline it is polled first.
constexpr CallOptions kDeadline{.deadline = std::chrono::milliseconds(250)};
INSTANTIATE_TEST_SUITE_P(
    WithADeadline, SystemCalls,
    ::testing::Values(Cost{"unix", Spin::kOff, Executor::kInline, kParkedCalls, 2, 3, kDeadline},
                      Cost{"fifo", Spin::kOff, Executor::kInline, kParkedCalls, 3, 3, kDeadline},
                      Cost{"mq", Spin::kOff, Executor::kInline, kParkedCalls, 3, 3, kDeadline},
                      Cost{"memfd", Spin::kOff, Executor::kInline, kParkedCalls, 2, 3, kDeadline},
                      Cost{"shm", Spin::kOff, Executor::kInline, kParkedCalls, 2, 2, kDeadline}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Design9, SystemCalls,
    ::testing::Values(Cost{"unix", Spin::kOff, Executor::kInline, kParkedCalls, 2, 3, {}},
                      Cost{"fifo", Spin::kOff, Executor::kInline, kParkedCalls, 2, 3, {}},
                      Cost{"mq", Spin::kOff, Executor::kInline, kParkedCalls, 3, 3, {}},
                      Cost{"memfd", Spin::kOff, Executor::kInline, kParkedCalls, 2, 3, {}},
                      Cost{"shm", Spin::kOff, Executor::kInline, kParkedCalls, 2, 2, {}},
                      Cost{"unix", Spin::kOff, Executor::kPool, kParkedCalls, 2, 6, {}},
                      Cost{"fifo", Spin::kOff, Executor::kPool, kParkedCalls, 2, 6, {}},
                      Cost{"mq", Spin::kOff, Executor::kPool, kParkedCalls, 3, 6, {}},
                      Cost{"memfd", Spin::kOff, Executor::kPool, kParkedCalls, 2, 6, {}},
                      Cost{"shm", Spin::kOff, Executor::kPool, kParkedCalls, 2, 5, {}},
                      Cost{"memfd", Spin::kBusy, Executor::kInline, kAwakeCalls, 0.05, 0.05, {}},
                      Cost{"shm", Spin::kBusy, Executor::kInline, kAwakeCalls, 0.05, 0.05, {}}),
    name_of);

}  // namespace
}  // namespace ferry
