// DescriptorRefusals: what to do while the kernel passes no descriptors (ETOOMANYREFS).
#pragma once

#include <atomic>
#include <cstddef>

#include "transports/lane.h"
#include "transports/sys/lane_end.h"

namespace ferry::transports::sys {

// The limit is one for all sockets of a user, and some other process may be what fills it, so it is
// waited for, by trying again, but not for ever. Thread safety: the lane's writing half; active()
// may be called by any thread.
class DescriptorRefusals {
 public:
  // The kernel refused `count` descriptors: kWouldBlock, or kFailed after
  // limits::kDescriptorsRefusedTime.
  [[nodiscard]] Io refused(std::size_t count, LaneEnd& end);
  void accepted() noexcept {
    if (active()) active_.store(false, std::memory_order_relaxed);
  }
  // No poll announces the end of a refusal: wait no longer than limits::kDescriptorsRetryTime.
  [[nodiscard]] bool active() const noexcept { return active_.load(std::memory_order_relaxed); }
  // The end of such a wait.
  [[nodiscard]] static TimePoint retry_time() noexcept;

 private:
  std::atomic<bool> active_{false};
  TimePoint since_{};
};

}  // namespace ferry::transports::sys
