// AdaptiveSpin: decides whether a wait spins before it parks, and for how long.
//
// Break-even. Waking a halted CPU costs 20 to 45 us here, a spin that succeeds costs what it
// waited. So spinning for limits::kSpinBudget pays when about half of the spins succeed. A spin
// that fails burns the whole budget, and on a busy machine takes it from somebody's work. Hence:
// - credit: a success earns one, a failure costs two; without credit spinning is off for a pause
//   that doubles from 2 to 200 ms, then one spin is tried again;
// - a gap between two looks longer than kPreemptedGap means that another thread ran on our CPU:
//   somebody needs it more, so that spin ends at once, as a failure;
// - when the kernel took the CPU from this thread in each of the last two samples of
// kSpinsPerSample
//   spins (ru_nivcsw of getrusage(2); once happens on an idle machine, too), more threads want to
//   run than there are CPUs: off for a pause, however many spins succeeded;
// - a process has at most max(1, usable CPUs / 2) threads spinning at a time (affinity and cgroup
//   quota counted), and none on a machine with one CPU: there the peer cannot run while we spin. A
//   process that is bound to one CPU of several may spin: its peer may be on another, and the rules
//   above find out.
// Spin::kBusy keeps the last rule only, and has a budget of its own.
#pragma once

#include <chrono>
#include <cstddef>

#include <ferry/spin.h>

namespace ferry::drivers {

// CPUs this process may use: the smaller of its affinity mask and its cgroup's quota (rounded up),
// at least 1. Read once, at the first call.
[[nodiscard]] std::size_t usable_cpus();

// One waiter's state. Thread safety: none; one waiter at a time uses it.
class AdaptiveSpin {
 public:
  using Clock = std::chrono::steady_clock;
  using TimePoint = Clock::time_point;

  static constexpr int kCreditMost = 8;
  static constexpr int kCreditStart = 4;
  static constexpr int kFailureDebit = 2;
  static constexpr std::chrono::milliseconds kPauseLeast{2};
  static constexpr std::chrono::milliseconds kPauseMost{200};
  static constexpr std::chrono::microseconds kPreemptedGap{15};
  // Looks between two readings of the clock, which cost as much as a look.
  static constexpr int kLooksPerClock = 4;
  // Spins between two looks at the kernel's count of preemptions: a system call.
  static constexpr int kSpinsPerSample = 16;

  // Whether the calling thread was preempted since it last asked.
  using Preempted = bool (*)();
  [[nodiscard]] static bool this_thread_was_preempted();

  explicit AdaptiveSpin(Spin policy, Preempted preempted = this_thread_was_preempted)
      : policy_(policy), preempted_(preempted) {}

  // Calls `ready` until it says true (then so does this) or spinning no longer pays. `deadline`
  // ends it as well, without blame.
  template <typename Ready>
  bool until(Ready&& ready, TimePoint deadline = TimePoint::max()) {
    if (!wanted()) return false;
    TimePoint now = Clock::now();
    if (!begin(now)) return false;
    const TimePoint begun = now;
    bool done = false;
    bool blame = true;
    for (;;) {
      for (int look = 0; look < kLooksPerClock && !done; ++look) {
        if (look > 0) pause();
        done = ready();
      }
      if (done) break;
      const TimePoint then = now;
      now = Clock::now();
      if (now >= deadline) {
        blame = false;
        break;
      }
      if (gives_up(now - begun, now - then)) break;
      pause();
    }
    finish(done, blame, now);
    return done;
  }

  // The same in parts, for a loop that spins over many lanes. begin() reserves one of the process's
  // spinner places; finish() gives it back.
  [[nodiscard]] bool begin(TimePoint now);
  void finish(bool success, bool blame, TimePoint now);
  // Whether to ask begin() at all: spares reading the clock.
  [[nodiscard]] bool wanted() const noexcept { return policy_ != Spin::kOff; }
  // After spinning in vain for `spent`, when the last look was `gap` ago.
  [[nodiscard]] bool gives_up(Clock::duration spent, Clock::duration gap) const noexcept;
  // One polite turn of a spin: lets the CPU's other hardware thread run.
  static void pause() noexcept;

 private:
  void turn_off(TimePoint now);

  Spin policy_;
  Preempted preempted_;
  int spins_ = 0;         // since the last sample
  bool crowded_ = false;  // what the last sample said
  int credit_ = kCreditStart;
  TimePoint off_until_{};
  std::chrono::nanoseconds next_pause_ = kPauseLeast;
};

}  // namespace ferry::drivers
