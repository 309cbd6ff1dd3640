// A second open file description of what a descriptor is, by way of /proc/self/fd (proc(5)).
#pragma once

#include <ferry/result.h>
#include <ferry/unique_fd.h>

namespace ferry::transports::sys {

// Needs no name in the file system, and the rights of an ordinary open(2) with `flags`.
// FAILED_PRECONDITION: there is no /proc.
[[nodiscard]] Result<UniqueFd> reopen(int fd, int flags);

}  // namespace ferry::transports::sys
