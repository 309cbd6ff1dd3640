// Descriptors that can be told from each other, and frames that carry them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ferry/unique_fd.h>

#include "transports/lane.h"

namespace ferry::transports::testing {

// A file with a number in it.
[[nodiscard]] UniqueFd numbered_file(std::uint64_t number);
[[nodiscard]] std::uint64_t number_of(const UniqueFd& file);
// How many are open in this process.
[[nodiscard]] std::size_t open_numbered_files();

[[nodiscard]] std::vector<UniqueFd> numbered_files(std::uint64_t from, std::size_t count);
[[nodiscard]] std::vector<int> lent(const std::vector<UniqueFd>& files);

// Takes `count` descriptors: files numbered from `from`, close-on-exec.
void expect_descriptors(Lane& lane, std::uint64_t from, std::size_t count);
// A frame of the stream that starts at `position`: reads its first byte alone, takes what belongs
// to it, and reads the rest.
void expect_frame(Lane& lane, std::size_t position, std::size_t bytes, std::uint64_t from,
                  std::size_t count);

}  // namespace ferry::transports::testing
