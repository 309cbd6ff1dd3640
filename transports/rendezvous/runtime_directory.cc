#include "transports/rendezvous/runtime_directory.h"

#include <cerrno>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace ferry::transports {

namespace {

constexpr mode_t kOwnerOnly = 0700;

std::string directory_of(const Target& target) {
  return target.path.substr(0, target.path.rfind('/'));
}

std::string octal(mode_t mode) {
  std::string text;
  for (int shift = 9; shift >= 0; shift -= 3)
    text += static_cast<char>('0' + ((mode >> shift) & 7));
  return text;
}

}  // namespace

Status check_runtime_directory(const Target& target) {
  if (!target.runtime_directory) return {};
  const std::string directory = directory_of(target);
  struct stat found {};
  if (::lstat(directory.c_str(), &found) != 0) {
    return Status::from_errno(errno, "look at the directory " + directory);
  }
  if (!S_ISDIR(found.st_mode)) {
    return Status::failed_precondition(directory + " is not a directory: remove it");
  }
  if (found.st_uid != ::geteuid()) {
    return Status::failed_precondition("the directory " + directory + " belongs to uid " +
                                       std::to_string(found.st_uid) + ", not to us (uid " +
                                       std::to_string(::geteuid()) +
                                       "): its owner could replace every socket in it; set "
                                       "XDG_RUNTIME_DIR, or give a path with '/'");
  }
  if ((found.st_mode & 077) != 0) {
    return Status::failed_precondition("the directory " + directory + " is open to others (mode " +
                                       octal(found.st_mode & 07777) + "): make its mode 0700");
  }
  return {};
}

Status make_runtime_directory(const Target& target) {
  if (!target.runtime_directory) return {};
  const std::string directory = directory_of(target);
  if (::mkdir(directory.c_str(), kOwnerOnly) != 0 && errno != EEXIST) {
    return Status::from_errno(errno, "make the directory " + directory);
  }
  return check_runtime_directory(target);
}

}  // namespace ferry::transports
