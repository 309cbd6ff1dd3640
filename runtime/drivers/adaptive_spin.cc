#include "runtime/drivers/adaptive_spin.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <sched.h>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

#include <ferry/limits.h>

namespace ferry::drivers {

namespace {

// cgroup v2 (Documentation/admin-guide/cgroup-v2.rst, cpu.max): "QUOTA PERIOD", or "max PERIOD" for
// no limit. The file stands in each group from ours up; a container sees its own group as the root.
double cgroup_cpus() {
  double least = 1e9;
  std::ifstream membership("/proc/self/cgroup");
  std::string line;
  while (std::getline(membership, line)) {
    if (line.rfind("0::", 0) != 0) continue;
    std::string path = line.substr(3);
    for (;;) {
      std::ifstream limit("/sys/fs/cgroup" + path + "/cpu.max");
      std::string quota;
      double period = 0;
      if (limit >> quota >> period && quota != "max" && period > 0) {
        least = std::min(least, std::strtod(quota.c_str(), nullptr) / period);
      }
      const auto slash = path.rfind('/');
      if (slash == std::string::npos || path.size() <= 1) break;
      path.resize(slash);
    }
  }
  return least;
}

std::size_t count_usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  double cpus = 1;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) cpus = CPU_COUNT(&set);
  cpus = std::min(cpus, std::ceil(cgroup_cpus()));
  return static_cast<std::size_t>(std::max(1.0, cpus));
}

// Threads of this process that spin right now.
std::atomic<std::size_t>& spinners() {
  static std::atomic<std::size_t> count{0};
  return count;
}

bool take_place() {
  static const bool alone = ::sysconf(_SC_NPROCESSORS_ONLN) < 2;
  if (alone) return false;
  const std::size_t most = std::max<std::size_t>(1, usable_cpus() / 2);
  if (spinners().fetch_add(1, std::memory_order_relaxed) < most) return true;
  spinners().fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

std::size_t usable_cpus() {
  static const std::size_t count = count_usable_cpus();
  return count;
}

bool AdaptiveSpin::begin(TimePoint now) {
  if (policy_ == Spin::kOff || now < off_until_) return false;
  return take_place();
}

bool AdaptiveSpin::gives_up(Clock::duration spent, Clock::duration gap) const noexcept {
  if (policy_ == Spin::kBusy) return spent >= limits::kBusySpinBudget;
  return spent >= limits::kSpinBudget || gap > kPreemptedGap;
}

bool AdaptiveSpin::this_thread_was_preempted() {
  thread_local long seen = -1;
  rusage usage{};
  if (::getrusage(RUSAGE_THREAD, &usage) != 0) return false;
  const long before = std::exchange(seen, usage.ru_nivcsw);
  return before >= 0 && usage.ru_nivcsw != before;
}

void AdaptiveSpin::finish(bool success, bool blame, TimePoint now) {
  spinners().fetch_sub(1, std::memory_order_relaxed);
  if (policy_ == Spin::kBusy) return;
  if (++spins_ >= kSpinsPerSample) {
    spins_ = 0;
    const bool before = std::exchange(crowded_, preempted_());
    if (crowded_ && before) {
      turn_off(now);
      return;
    }
    if (!crowded_ && credit_ > kCreditStart) next_pause_ = kPauseLeast;
  }
  if (success) {
    credit_ = std::min(credit_ + 1, kCreditMost);
    return;
  }
  if (!blame) return;
  credit_ -= kFailureDebit;
  if (credit_ <= 0) turn_off(now);
}

void AdaptiveSpin::turn_off(TimePoint now) {
  off_until_ = now + next_pause_;
  next_pause_ = std::min<std::chrono::nanoseconds>(2 * next_pause_, kPauseMost);
  credit_ = 1;  // one try when the pause is over: its failure turns spinning off again
}

void AdaptiveSpin::pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace ferry::drivers
