// Connected: what a handshake ends with, on either side.
#pragma once

#include <memory>
#include <string>

#include <ferry/trust.h>

#include "transports/lane.h"

namespace ferry::transports {

struct Connected {
  std::unique_ptr<Lane> lane;          // owns the control socket
  Peer peer;                           // as the kernel said; trust is this side's, resolved
  std::string greeting;                // the peer's, opaque here
  std::string explain;                 // lines: each transport passed over and why, then the chosen
  std::shared_ptr<void> thread_place;  // server: what ServerPolicy::take_thread gave; keep it with
                                       // the lane
};

}  // namespace ferry::transports
