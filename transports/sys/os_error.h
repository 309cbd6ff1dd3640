// Statuses for system calls that failed because of a limit.
#pragma once

#include <string_view>

#include <ferry/status.h>

namespace ferry::transports::sys {

// Status::from_errno(), but a full descriptor table is named as what it is, with its limit.
[[nodiscard]] Status os_error(int error, std::string_view tried);

}  // namespace ferry::transports::sys
