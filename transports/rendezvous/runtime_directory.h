// $XDG_RUNTIME_DIR/ferry: where the sockets of targets without a path live.
#pragma once

#include <ferry/status.h>

#include "transports/target.h"

namespace ferry::transports {

// Whether the directory of target.path is fit to hold a socket that others are to trust: a
// directory, no symlink, ours, and closed to everybody else. FAILED_PRECONDITION says what it is
// instead; NOT_FOUND: there is none. Targets with a path of their own are always fit: that
// directory is the user's choice.
[[nodiscard]] Status check_runtime_directory(const Target& target);

// The same for a server, which makes the directory (0700) when there is none.
[[nodiscard]] Status make_runtime_directory(const Target& target);

}  // namespace ferry::transports
