// Files beneath one directory, and nothing outside it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

namespace broker {

// Opens `path` for reading, resolved beneath `root` (openat2(2), RESOLVE_BENEATH):
// PERMISSION_DENIED when it leaves that directory by "..", by being absolute or by a symbolic link;
// INVALID_ARGUMENT when it is no regular file.
[[nodiscard]] ferry::Result<ferry::UniqueFd> open_beneath(int root, std::string_view path);

// The names of the regular files directly in `directory` beneath `root`, sorted.
[[nodiscard]] ferry::Result<std::vector<std::string>> names_in(int root,
                                                               std::string_view directory);

// Copies what `path` beneath `root` holds into `into`, from its start. How many bytes it was.
[[nodiscard]] ferry::Result<std::uint64_t> copy_into(int into, int root, std::string_view path);

}  // namespace broker
