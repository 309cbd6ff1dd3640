// The memory of a shm lane: a POSIX shared memory object without a name.
#pragma once

#include <cstddef>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

namespace ferry::transports::shm {

// Server: `bytes` bytes that exist (no later touch can find the file system full) and never had a
// name. Fails with RESOURCE_EXHAUSTED.
[[nodiscard]] Result<UniqueFd> make_segment(std::size_t bytes);

// Client: whether what a server of the same user passed is such memory, of exactly `bytes` bytes.
// Fails with INVALID_ARGUMENT.
[[nodiscard]] Status check_segment(int fd, std::size_t bytes);

}  // namespace ferry::transports::shm
