#include "beneath.h"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <memory>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace broker {

using ferry::Result;
using ferry::Status;
using ferry::UniqueFd;

namespace {

// glibc 2.36 has no wrapper for openat2 (Linux 5.6).
Result<UniqueFd> open_at(int root, std::string_view path, std::uint64_t flags) {
  const std::string name(path);
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, root, name.c_str(), &how, sizeof how);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));
  if (errno == EXDEV) {  // openat2(2): the path led out of `root`
    return Status::permission_denied("open \"" + name + "\": it leaves the served directory");
  }
  return Status::from_errno(errno, "open \"" + name + "\"");
}

}  // namespace

Result<UniqueFd> open_beneath(int root, std::string_view path) {
  // O_NONBLOCK: a FIFO put there must not block us; it does nothing to a regular file.
  auto file = open_at(root, path, O_RDONLY | O_NONBLOCK);
  if (!file) return file;
  struct stat about {};
  if (::fstat(file->get(), &about) != 0) return Status::from_errno(errno, "look at the file");
  if (!S_ISREG(about.st_mode)) {
    return Status::invalid_argument("open \"" + std::string(path) + "\": it is not a regular file");
  }
  return file;
}

Result<std::vector<std::string>> names_in(int root, std::string_view directory) {
  auto opened = open_at(root, directory, O_RDONLY | O_DIRECTORY);
  if (!opened) return opened.status();
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(opened->get()), ::closedir);
  if (!list) return Status::from_errno(errno, "list \"" + std::string(directory) + "\"");
  const int fd = opened->release();  // the DIR owns it now
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(list.get())) {
    struct stat about {};
    if (::fstatat(fd, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0) continue;  // gone meanwhile
    if (S_ISREG(about.st_mode)) names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::uint64_t> copy_into(int into, int root, std::string_view path) {
  auto file = open_beneath(root, path);
  if (!file) return file.status();
  char buffer[16384];
  off_t offset = 0;
  for (;;) {
    const ssize_t read = ::pread(file->get(), buffer, sizeof buffer, offset);
    if (read < 0) return Status::from_errno(errno, "read \"" + std::string(path) + "\"");
    if (read == 0) return static_cast<std::uint64_t>(offset);
    for (ssize_t done = 0; done < read;) {
      const ssize_t written =
          ::pwrite(into, buffer + done, static_cast<std::size_t>(read - done), offset + done);
      if (written < 0) return Status::from_errno(errno, "write into the client's memory");
      done += written;
    }
    offset += read;
  }
}

}  // namespace broker
