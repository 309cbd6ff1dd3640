#include "transports/shm/segment.h"

#include <cerrno>
#include <fcntl.h>
#include <linux/magic.h>
#include <string>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "transports/sys/os_error.h"

namespace ferry::transports::shm {

namespace {

// Where shm_open(3) makes its objects.
constexpr const char* kDirectory = "/dev/shm";

}  // namespace

Result<UniqueFd> make_segment(std::size_t bytes) {
  const std::string what = std::to_string(bytes) + " bytes of POSIX shared memory (/dev/shm)";
  // What shm_open(3) and shm_unlink(3) make together, but without a name at any time: between the
  // two a kill would leave one. O_EXCL: nobody can give it one later (open(2)).
  UniqueFd segment(::open(kDirectory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  if (!segment) return sys::os_error(errno, "making " + what);
  // Also sets the size. Without it a page that cannot be had later would be SIGBUS.
  if (const int error = ::posix_fallocate(segment.get(), 0, static_cast<off_t>(bytes));
      error != 0) {
    return sys::os_error(error, "reserving " + what);
  }
  return segment;
}

Status check_segment(int fd, std::size_t bytes) {
  const auto refuse = [](const std::string& why) {
    return Status::invalid_argument("shm: the server passed memory that cannot be used: " + why);
  };
  struct stat about {};
  struct statfs where {};
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || ::fstatfs(fd, &where) != 0 ||
      where.f_type != TMPFS_MAGIC) {
    return refuse("it is no shared memory object");
  }
  if (about.st_size < 0 || static_cast<std::size_t>(about.st_size) != bytes) {
    return refuse("it has " + std::to_string(about.st_size) + " bytes instead of " +
                  std::to_string(bytes));
  }
  return {};
}

}  // namespace ferry::transports::shm
