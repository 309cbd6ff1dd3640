// Counts the system calls of other processes, with ptrace(2).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace ferry::testing {

// In a counted process: everything between the two, in all counted processes, counts. Both are
// system calls that nothing else makes.
void begin_counting();
void end_counting();

// Runs `programs`, each in a child of its own, all threads traced, until the last of them, which
// must call begin_counting() and end_counting(), has ended. The others are then killed. The result:
// system calls of each child between the marks, by child; nullopt when a child failed.
[[nodiscard]] std::optional<std::vector<std::uint64_t>> count_system_calls(
    const std::vector<std::function<int()>>& programs);

}  // namespace ferry::testing
