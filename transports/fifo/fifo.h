// fifo: two FIFOs, one each way (fifo(7)).
#pragma once

#include "transports/transport.h"

namespace ferry::transports {

// For every peer. Each side has open file descriptions of its own; a client that does not trust its
// server opens them once more itself, so that the server cannot have kept one and make it block.
[[nodiscard]] const Transport& fifo_transport();

}  // namespace ferry::transports
