// Parker: one half of a lane asleep in the kernel, on three descriptors at once.
//
// The doorbell is watched edge-triggered and not read here: every ring is an edge, also when
// earlier ones were never read (epoll(7); a write to an eventfd and a send to a socket both wake
// the queue). So parking and waking cost one system call.
#pragma once

#include <cstdint>
#include <memory>
#include <sys/epoll.h>
#include <utility>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

#include "transports/lane.h"

namespace ferry::transports::memfd {

class Parker {
 public:
  enum class Woken : std::uint8_t { kBell, kWoken, kControl, kTimedOut, kFailed };

  // The control socket stays readable until somebody has read it; only the half that reads it may
  // watch its level, the other must watch its edges or it would never sleep.
  enum class Control : std::uint8_t { kLevel, kEdge };

  // `bell` and `control` must outlive the parker.
  [[nodiscard]] static Result<std::unique_ptr<Parker>> create(int bell, int control, Control how);

  // Sleeps until the bell rings, wake(), the control socket has something, or `deadline`.
  // What came since the last park() counts. Thread safety: one thread at a time.
  [[nodiscard]] Woken park(TimePoint deadline) noexcept;
  // Any thread.
  void wake() noexcept;

 private:
  Parker(UniqueFd epoll, UniqueFd waker) noexcept
      : epoll_(std::move(epoll)), waker_(std::move(waker)) {}
  int wait(epoll_event* events, int most, TimePoint deadline) noexcept;

  UniqueFd epoll_;
  UniqueFd waker_;  // an eventfd, never read either
  bool has_pwait2_ = true;
};

}  // namespace ferry::transports::memfd
