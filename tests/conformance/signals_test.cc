// Signals, a thousand a second on every thread, change nothing: no call of a lane ends because of
// one. (sem_clockwait() and others say EINTR even with SA_RESTART: signal(7).)
#include <array>
#include <chrono>
#include <csignal>
#include <ctime>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/lanes.h"
#include "tests/conformance/traffic.h"

namespace ferry::transports::testing {
namespace {

using std::chrono::milliseconds;

// A signal on the calling thread every millisecond, while it lives. Its handler does nothing, and
// system calls are not restarted.
class SignalStorm {
 public:
  SignalStorm() {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGUSR1;
    event._sigev_un._tid = ::gettid();
    made_ = ::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
    itimerspec every{};
    every.it_interval.tv_nsec = 1'000'000;
    every.it_value = every.it_interval;
    EXPECT_TRUE(made_ && ::timer_settime(timer_, 0, &every, nullptr) == 0);
  }
  ~SignalStorm() {
    if (made_) ::timer_delete(timer_);
  }
  SignalStorm(const SignalStorm&) = delete;
  SignalStorm& operator=(const SignalStorm&) = delete;

 private:
  timer_t timer_{};
  bool made_ = false;
};

class LaneUnderSignals : public LaneTest {
 protected:
  void SetUp() override {
    LaneTest::SetUp();
    struct sigaction ignore {};
    ignore.sa_handler = [](int) {};
    ASSERT_EQ(::sigaction(SIGUSR1, &ignore, &before_), 0);
  }
  void TearDown() override {
    ::sigaction(SIGUSR1, &before_, nullptr);
    LaneTest::TearDown();
  }

 private:
  struct sigaction before_ {};
};
INSTANTIATE_TEST_SUITE_P(All, LaneUnderSignals, ::testing::ValuesIn(all_lanes()), case_name);

TEST_P(LaneUnderSignals, AStreamStaysWhole) {
  connect();
  constexpr std::size_t kBytes = std::size_t{4} << 20;
  std::thread writer([this] {
    const SignalStorm storm;
    send_stream(first(), kBytes, 20'000, 1);
  });
  const SignalStorm storm;
  expect_stream(second(), kBytes, 3000, 2);
  writer.join();
}

TEST_P(LaneUnderSignals, CallsAndAnswersStayWhole) {
  connect();
  constexpr std::size_t kTurns = 5000;
  std::thread echo([this] {
    const SignalStorm storm;
    std::array<std::byte, 48> call{};
    for (std::size_t turn = 0; turn < kTurns; ++turn) {
      ASSERT_EQ(read_all(second(), call), Io::kDone);
      ASSERT_EQ(write_all(second(), call), Io::kDone);
    }
  });
  const SignalStorm storm;
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    ASSERT_EQ(write_all(first(), stretch(turn, 48)), Io::kDone);
    std::array<std::byte, 48> answer{};
    ASSERT_EQ(read_all(first(), answer), Io::kDone);
    ASSERT_EQ(difference(answer, turn), "") << turn;
  }
  echo.join();
}

TEST_P(LaneUnderSignals, DeadlinesAreKept) {
  connect();
  const SignalStorm storm;
  std::array<std::byte, 16> into{};
  for (const int time : {3, 30, 60}) {
    const TimePoint deadline = in(milliseconds(time));
    EXPECT_EQ(first().read_parked(into, deadline).outcome, Io::kTimedOut);
    EXPECT_GE(Clock::now(), deadline);
  }
  ASSERT_GT(fill(first()), 0U);
  const TimePoint deadline = in(milliseconds(30));
  EXPECT_EQ(first().wait_writable(deadline).outcome, Io::kTimedOut);
  EXPECT_GE(Clock::now(), deadline);
}

TEST_P(LaneUnderSignals, AParkedReadWaitsForItsInput) {
  connect();
  std::thread reader([this] {
    const SignalStorm storm;
    std::array<std::byte, 16> into{};
    EXPECT_EQ(first().read_parked(into, kNever).outcome, Io::kDone);
  });
  {
    // Some dozens of signals later. What is waited for is a wait that ends by itself.
    std::array<std::byte, 16> into{};
    EXPECT_EQ(second().read_parked(into, in(milliseconds(40))).outcome, Io::kTimedOut);
  }
  EXPECT_EQ(write_all(second(), stretch(0, 16)), Io::kDone);
  reader.join();
}

TEST_P(LaneUnderSignals, TheEndIsSeen) {
  connect();
  const SignalStorm storm;
  std::thread closer([this] { lanes_.first.reset(); });
  std::array<std::byte, 16> into{};
  EXPECT_EQ(second().read_parked(into, kNever).outcome, Io::kClosed);
  closer.join();
}

}  // namespace
}  // namespace ferry::transports::testing
