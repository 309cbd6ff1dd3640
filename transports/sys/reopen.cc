#include "transports/sys/reopen.h"

#include <cerrno>
#include <fcntl.h>
#include <string>

#include "transports/sys/os_error.h"

namespace ferry::transports::sys {

Result<UniqueFd> reopen(int fd, int flags) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  UniqueFd own(::open(path.c_str(), flags | O_CLOEXEC));
  if (own) return own;
  if (errno == ENOENT) {
    return Status::failed_precondition("open " + path +
                                       ": there is no /proc in this file system; mount it");
  }
  return os_error(errno, "open " + path);
}

}  // namespace ferry::transports::sys
