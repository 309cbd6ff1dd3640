#include "transports/shm/semaphores.h"

#include <cerrno>
#include <ctime>
#include <new>

#include "transports/sys/deadline.h"

namespace ferry::transports::shm {

void construct_bells(ring::Control& control) noexcept {
  auto* bells = new (control.bells) Bells;
  for (Semaphores* side : {&bells->server, &bells->client}) {
    // Can't fail: the value is in range, and Linux has process-shared semaphores (sem_init(3)).
    ::sem_init(&side->reader, 1, 0);
    ::sem_init(&side->writer, 1, 0);
  }
}

Waited wait(sem_t& semaphore, TimePoint deadline) noexcept {
  const timespec until = sys::absolute(deadline);
  for (;;) {
    if (::sem_clockwait(&semaphore, CLOCK_MONOTONIC, &until) == 0) return Waited::kPosted;
    if (errno == ETIMEDOUT) return Waited::kTimedOut;
    if (errno != EINTR) return Waited::kBroken;  // EINTR comes even with SA_RESTART (sem_wait(3))
  }
}

}  // namespace ferry::transports::shm
