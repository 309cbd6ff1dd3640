// mq: two POSIX message queues, one each way (mq_overview(7)).
#pragma once

#include "transports/transport.h"

namespace ferry::transports {

// For every peer. Each end is an open file description of its own, and no call on it ever waits,
// whatever its flags say.
[[nodiscard]] const Transport& mq_transport();

}  // namespace ferry::transports
