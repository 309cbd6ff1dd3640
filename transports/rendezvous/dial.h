// dial(): a connected socket to whoever listens at a path.
#pragma once

#include <string>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

#include "transports/lane.h"

namespace ferry::transports {

// Blocks while the server's backlog is full, until `deadline` at most. UNAVAILABLE: no such socket
// or directory, nobody listens, or it is something else; PERMISSION_DENIED; DEADLINE_EXCEEDED.
[[nodiscard]] Result<UniqueFd> dial(const std::string& path, TimePoint deadline);

// Waits until `socket` is ready for `events` (poll(2)); false when `deadline` came first.
[[nodiscard]] bool wait_for(int socket, short events, TimePoint deadline);

}  // namespace ferry::transports
