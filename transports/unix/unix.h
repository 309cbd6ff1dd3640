// unix: the control socket itself carries the data.
#pragma once

#include "transports/transport.h"

namespace ferry::transports {

// For every peer, of whatever trust: each end has a socket of its own, and the kernel checks all.
[[nodiscard]] const Transport& unix_transport();

}  // namespace ferry::transports
