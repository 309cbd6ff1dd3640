// shm: two rings in POSIX shared memory with POSIX semaphores; for peers of one user.
#pragma once

#include "transports/transport.h"

namespace ferry::transports {

[[nodiscard]] const Transport& shm_transport();

}  // namespace ferry::transports
