// Deadlines (CLOCK_MONOTONIC) for system calls that wait.
#pragma once

#include <poll.h>
#include <span>
#include <time.h>

#include "transports/lane.h"

namespace ferry::transports::sys {

// The time left until `deadline`, never negative, in `storage`; nullptr for kNever. For ppoll(2)
// and epoll_pwait2(2).
[[nodiscard]] const timespec* time_left(TimePoint deadline, timespec& storage) noexcept;

// `deadline` as an absolute CLOCK_MONOTONIC time; not for kNever. For sem_clockwait(3).
[[nodiscard]] timespec absolute(TimePoint deadline) noexcept;

// ppoll(2) until something is ready (kDone) or `deadline` (kTimedOut); signals don't end it.
// kFailed: errno has the reason (ENOMEM). Entries with a negative descriptor are ignored.
[[nodiscard]] Io poll_until(std::span<pollfd> descriptors, TimePoint deadline) noexcept;

}  // namespace ferry::transports::sys
