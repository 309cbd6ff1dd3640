#include "transports/sys/os_error.h"

#include <cerrno>
#include <string>
#include <sys/resource.h>

namespace ferry::transports::sys {

Status os_error(int error, std::string_view tried) {
  if (error != EMFILE) return Status::from_errno(error, tried);
  std::string message(tried);
  message += ": this process has no descriptor left";
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    message += " (RLIMIT_NOFILE is " + std::to_string(limit.rlim_cur) + ")";
  }
  return Status::resource_exhausted(std::move(message));
}

}  // namespace ferry::transports::sys
