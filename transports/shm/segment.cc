#include "transports/shm/segment.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <linux/magic.h>
#include <string>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "transports/sys/os_error.h"

namespace ferry::transports::shm {

namespace {

// A name that nobody can have taken or guess.
Result<std::string> random_name() {
  std::array<std::uint64_t, 2> bits{};
  if (::getrandom(bits.data(), sizeof bits, 0) != sizeof bits) {
    return Status::from_errno(errno, "getting random bits for a shared memory object's name");
  }
  std::array<char, 64> name{};
  std::snprintf(name.data(), name.size(), "/ferry-%016llx%016llx",
                static_cast<unsigned long long>(bits[0]), static_cast<unsigned long long>(bits[1]));
  return std::string(name.data());
}

}  // namespace

Result<UniqueFd> make_segment(std::size_t bytes) {
  Result<std::string> name = random_name();
  if (!name) return name.status();
  const std::string what = std::to_string(bytes) + " bytes of POSIX shared memory (/dev/shm)";
  // shm_open(3) adds O_CLOEXEC.
  UniqueFd segment(::shm_open(name->c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
  if (!segment) return sys::os_error(errno, "making " + what);
  if (::shm_unlink(name->c_str()) != 0) {
    return sys::os_error(errno, "removing the name of " + what);
  }
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
