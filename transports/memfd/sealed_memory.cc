#include "transports/memfd/sealed_memory.h"

#include <cerrno>
#include <fcntl.h>
#include <linux/magic.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "transports/sys/os_error.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3; glibc 2.36 does not have it
#endif

namespace ferry::transports::memfd {

namespace {

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

int create() noexcept {
  // With sysctl vm.memfd_noexec=2 only this is allowed; before 6.3 it is EINVAL (memfd_create(2)).
  const int fd = ::memfd_create("ferry", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd >= 0 || errno != EINVAL) return fd;
  return ::memfd_create("ferry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

}  // namespace

Result<UniqueFd> make_sealed_memory(std::size_t bytes) {
  const std::string what = std::to_string(bytes) + " bytes of shared memory (memfd)";
  UniqueFd memory(create());
  if (!memory) return sys::os_error(errno, "making " + what);
  // Also sets the size. Without it a page that cannot be had later would be SIGBUS.
  if (const int error = ::posix_fallocate(memory.get(), 0, static_cast<off_t>(bytes)); error != 0) {
    return sys::os_error(error, "reserving " + what);
  }
  if (::fcntl(memory.get(), F_ADD_SEALS, kSizeSeals | F_SEAL_SEAL) != 0) {
    return sys::os_error(errno, "sealing " + what + " against resizing");
  }
  return memory;
}

Status check_sealed_memory(int fd, std::size_t bytes) {
  const auto refuse = [](const std::string& why) {
    return Status::invalid_argument("memfd: the server passed memory that cannot be used: " + why);
  };
  struct stat about {};
  struct statfs where {};
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return refuse("it is no memfd");
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0) return refuse("it is no memfd");
  if ((seals & kSizeSeals) != kSizeSeals) return refuse("it is not sealed against resizing");
  // Huge pages are not reserved by a file's size: a touch could be SIGBUS.
  if (::fstatfs(fd, &where) != 0 || where.f_type != TMPFS_MAGIC) {
    return refuse("it is not of ordinary pages");
  }
  if (about.st_size < 0 || static_cast<std::size_t>(about.st_size) != bytes) {
    return refuse("it has " + std::to_string(about.st_size) + " bytes instead of " +
                  std::to_string(bytes));
  }
  return {};
}

}  // namespace ferry::transports::memfd
