// The rules of AdaptiveSpin, with a made-up clock where time matters.
#include "runtime/drivers/adaptive_spin.h"

#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/limits.h>

namespace ferry::drivers {
namespace {

using std::chrono::milliseconds;

class AdaptiveSpinTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) GTEST_SKIP() << "with one CPU nothing ever spins";
  }
  // One spin that fails at `now`. False when it was not even begun.
  bool fail(AdaptiveSpin::TimePoint now) {
    if (!spin_.begin(now)) return false;
    spin_.finish(false, true, now);
    return true;
  }
  bool succeed(AdaptiveSpin::TimePoint now) {
    if (!spin_.begin(now)) return false;
    spin_.finish(true, true, now);
    return true;
  }

  static bool never() { return false; }
  static bool always() { return true; }

  AdaptiveSpin spin_{Spin::kAdaptive, never};
  AdaptiveSpin::TimePoint now_{std::chrono::hours(1)};
};

TEST_F(AdaptiveSpinTest, OffNeverSpins) {
  AdaptiveSpin off(Spin::kOff);
  int looks = 0;
  EXPECT_FALSE(off.until([&] { return ++looks > 0; }));
  EXPECT_EQ(looks, 0);
}

TEST_F(AdaptiveSpinTest, SuccessEndsTheSpinAtOnce) {
  int looks = 0;
  EXPECT_TRUE(spin_.until([&] { return ++looks > 0; }));
  EXPECT_EQ(looks, 1);
}

TEST_F(AdaptiveSpinTest, FailuresUseUpTheCreditAndTurnSpinningOff) {
  int spins = 0;
  while (fail(now_)) ++spins;
  EXPECT_EQ(spins, AdaptiveSpin::kCreditStart / AdaptiveSpin::kFailureDebit);
  EXPECT_FALSE(fail(now_ + AdaptiveSpin::kPauseLeast - milliseconds(1)));
  EXPECT_TRUE(fail(now_ + AdaptiveSpin::kPauseLeast));
}

TEST_F(AdaptiveSpinTest, ThePauseDoublesUpToItsMost) {
  while (fail(now_)) {
  }
  milliseconds pause = AdaptiveSpin::kPauseLeast;
  for (int i = 0; i < 12; ++i) {
    EXPECT_FALSE(fail(now_ + pause - milliseconds(1))) << pause.count();
    now_ += pause;
    EXPECT_TRUE(fail(now_)) << pause.count();
    pause = std::min(2 * pause, AdaptiveSpin::kPauseMost);
  }
  EXPECT_EQ(pause, AdaptiveSpin::kPauseMost);
}

TEST_F(AdaptiveSpinTest, SuccessEarnsLessThanFailureCosts) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(succeed(now_));
  int spins = 0;
  while (fail(now_)) ++spins;
  EXPECT_EQ(spins, AdaptiveSpin::kCreditMost / AdaptiveSpin::kFailureDebit);
}

TEST_F(AdaptiveSpinTest, AGapBetweenTwoLooksEndsTheSpin) {
  // The look itself takes longer than the gap that tells preemption, well within a longer deadline.
  int looks = 0;
  EXPECT_FALSE(spin_.until([&] {
    ++looks;
    const auto end = AdaptiveSpin::Clock::now() + AdaptiveSpin::kPreemptedGap * 2;
    while (AdaptiveSpin::Clock::now() < end) {
    }
    return false;
  }));
  EXPECT_EQ(looks, AdaptiveSpin::kLooksPerClock);
}

TEST_F(AdaptiveSpinTest, APassedDeadlineEndsTheSpinWithoutBlame) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(spin_.until([] { return false; }, AdaptiveSpin::Clock::now()));
  }
  EXPECT_TRUE(spin_.begin(now_));
  spin_.finish(true, true, now_);
}

TEST_F(AdaptiveSpinTest, PreemptionTurnsItOffHoweverManySpinsSucceeded) {
  AdaptiveSpin crowded(Spin::kAdaptive, always);
  milliseconds pause = AdaptiveSpin::kPauseLeast;
  for (int round = 0; round < 3; ++round) {
    // Two samples in a row say so; from then on each further one.
    const int samples = round == 0 ? 2 : 1;
    for (int i = 0; i < samples * AdaptiveSpin::kSpinsPerSample; ++i) {
      ASSERT_TRUE(crowded.begin(now_)) << i;
      crowded.finish(true, true, now_);
    }
    EXPECT_FALSE(crowded.begin(now_ + pause - milliseconds(1))) << pause.count();
    now_ += pause;
    pause *= 2;
  }
}

TEST_F(AdaptiveSpinTest, AThreadThatGivesWayByItselfWasNotPreempted) {
  static_cast<void>(AdaptiveSpin::this_thread_was_preempted());
  // Preemption by others may happen at any time, but not at every turn for a second.
  const auto end = AdaptiveSpin::Clock::now() + std::chrono::seconds(1);
  while (AdaptiveSpin::this_thread_was_preempted()) {
    ASSERT_LT(AdaptiveSpin::Clock::now(), end);
  }
}

TEST_F(AdaptiveSpinTest, BusyIsNotDiscouragedByFailureGapsOrPreemption) {
  AdaptiveSpin busy(Spin::kBusy, always);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(busy.begin(now_));
    busy.finish(false, true, now_);
  }
  EXPECT_FALSE(busy.gives_up(limits::kSpinBudget, AdaptiveSpin::kPreemptedGap * 10));
  EXPECT_TRUE(busy.gives_up(limits::kBusySpinBudget, {}));
}

TEST_F(AdaptiveSpinTest, NoMoreThreadsSpinThanTheProcessMay) {
  const std::size_t most = std::max<std::size_t>(1, usable_cpus() / 2);
  std::vector<AdaptiveSpin> spins(most + 1, AdaptiveSpin(Spin::kAdaptive));
  for (std::size_t i = 0; i < most; ++i) ASSERT_TRUE(spins[i].begin(now_));
  EXPECT_FALSE(spins[most].begin(now_));
  spins[0].finish(true, true, now_);
  EXPECT_TRUE(spins[most].begin(now_));
  for (std::size_t i = 1; i <= most; ++i) spins[i].finish(true, true, now_);
}

}  // namespace
}  // namespace ferry::drivers
