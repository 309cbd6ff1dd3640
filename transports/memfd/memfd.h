// memfd: two rings in memory that nobody can resize; offered to any peer.
#pragma once

#include "transports/transport.h"

namespace ferry::transports {

[[nodiscard]] const Transport& memfd_transport();

}  // namespace ferry::transports
