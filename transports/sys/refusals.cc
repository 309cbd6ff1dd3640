#include "transports/sys/refusals.h"

#include <string>

#include <ferry/limits.h>

namespace ferry::transports::sys {

Io DescriptorRefusals::refused(std::size_t count, LaneEnd& end) {
  const TimePoint now = Clock::now();
  if (!active()) {
    since_ = now;
    active_.store(true, std::memory_order_relaxed);
  }
  if (now - since_ < limits::kDescriptorsRefusedTime) return Io::kWouldBlock;
  return end.fail(Status::resource_exhausted(
      "pass " + std::to_string(count) +
      " descriptors to the peer: this user has too many in flight on all its sockets "
      "(ETOOMANYREFS), and for " +
      std::to_string(limits::kDescriptorsRefusedTime.count()) +
      " ms no receiver took any; raise RLIMIT_NOFILE or find who does not read"));
}

TimePoint DescriptorRefusals::retry_time() noexcept {
  return Clock::now() + limits::kDescriptorsRetryTime;
}

}  // namespace ferry::transports::sys
