// How a thread that owns its waiting waits for a lane: spin, then park.
#pragma once

#include "runtime/drivers/adaptive_spin.h"
#include "runtime/drivers/link.h"

namespace ferry::drivers {

// Waits until input was read into link.input() (kDone, `bytes` of it, already counted as filled),
// room came for blocked output (kDone with 0 bytes), `deadline`, interrupt(), or the lane's end.
// Call as the reader, without the lock. `blocked`: output waits for room as well.
[[nodiscard]] transports::IoResult await_input(Link& link, AdaptiveSpin& spin, bool blocked,
                                               transports::TimePoint deadline);

}  // namespace ferry::drivers
