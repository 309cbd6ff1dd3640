// fork_generation(): tells a child made by fork() from its parent, without a system call.
#pragma once

#include <cstdint>

namespace ferry::drivers {

// 0 in the process that first asked, one more in each child of a fork() since. What was made under
// another generation belongs to another process and must not be touched.
[[nodiscard]] std::uint32_t fork_generation() noexcept;

}  // namespace ferry::drivers
