// What the client does, told on standard output.
#pragma once

#include <cstdint>
#include <string>

#include <ferry/status.h>

namespace broker {

// Gives up root's rights (where the transport permits it), then reads `path` through the server at
// `target` in each of the service's ways, opening it `calls` times.
[[nodiscard]] ferry::Status read_through(const std::string& target, const std::string& path,
                                         std::uint64_t calls);

}  // namespace broker
