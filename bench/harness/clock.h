// Clocks of the benchmarks.
#pragma once

#include <cstdint>
#include <sys/types.h>
#include <time.h>

namespace bench {

inline std::uint64_t nanoseconds(const timespec& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(time.tv_nsec);
}

inline std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return nanoseconds(time);
}

// User and system time of all threads of `pid` (0: of this process). Not getrusage(): that one
// can't be asked about a child that still runs, and would count start-up and warm-up.
inline std::uint64_t cpu_ns(pid_t pid) {
  clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
  timespec time{};
  if (pid != 0 && clock_getcpuclockid(pid, &clock) != 0) return 0;
  return clock_gettime(clock, &time) == 0 ? nanoseconds(time) : 0;
}

}  // namespace bench
