#include "transports/sys/deadline.h"

#include <cerrno>
#include <chrono>

namespace ferry::transports::sys {

namespace {

timespec to_timespec(Clock::duration time) noexcept {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds);
  return {static_cast<time_t>(seconds.count()), static_cast<long>(rest.count())};
}

}  // namespace

const timespec* time_left(TimePoint deadline, timespec& storage) noexcept {
  if (deadline == kNever) return nullptr;
  const TimePoint now = Clock::now();
  storage = deadline <= now ? timespec{0, 0} : to_timespec(deadline - now);
  return &storage;
}

timespec absolute(TimePoint deadline) noexcept {
  // steady_clock counts from CLOCK_MONOTONIC's own zero (libstdc++). sem_clockwait(3) refuses
  // negative times.
  return deadline.time_since_epoch().count() < 0 ? timespec{0, 0}
                                                 : to_timespec(deadline.time_since_epoch());
}

Io poll_until(std::span<pollfd> descriptors, TimePoint deadline) noexcept {
  for (;;) {
    timespec storage{};
    const int ready =
        ::ppoll(descriptors.data(), descriptors.size(), time_left(deadline, storage), nullptr);
    if (ready > 0) return Io::kDone;
    if (ready == 0) return Io::kTimedOut;
    if (errno != EINTR) return Io::kFailed;
  }
}

}  // namespace ferry::transports::sys
