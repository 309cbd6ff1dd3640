// The memory of a memfd lane: a memfd that nobody can resize any more.
#pragma once

#include <cstddef>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

namespace ferry::transports::memfd {

// Server: `bytes` bytes that exist (no later touch can find the memory used up) and stay. Fails
// with RESOURCE_EXHAUSTED.
[[nodiscard]] Result<UniqueFd> make_sealed_memory(std::size_t bytes);

// Client: whether what a server passed is such memory, of exactly `bytes` bytes, so that touching
// its mapping can never be SIGBUS. Fails with INVALID_ARGUMENT.
[[nodiscard]] Status check_sealed_memory(int fd, std::size_t bytes);

}  // namespace ferry::transports::memfd
