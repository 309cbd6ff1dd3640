#include "transports/rendezvous/name_lock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace ferry::transports {

namespace {

struct Held {
  dev_t device;
  ino_t inode;
  pid_t owner;
};

struct HeldLocks {
  std::mutex mutex;
  std::vector<Held> list;
};

HeldLocks& held_locks() {
  static HeldLocks locks;
  return locks;
}

bool held_here(const HeldLocks& locks, const struct stat& file) {
  return std::any_of(locks.list.begin(), locks.list.end(), [&file](const Held& held) {
    return held.device == file.st_dev && held.inode == file.st_ino && held.owner == ::getpid();
  });
}

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

Status taken(const std::string& path, const std::string& by) {
  return Status::already_exists("a live server has this name: " + by + " holds " + path);
}

// Who holds it: the kernel knows, unless the holder let go in this moment.
std::string holder(int file) {
  struct flock lock = whole_file(F_WRLCK);
  if (::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0) {
    return "pid " + std::to_string(lock.l_pid);
  }
  std::array<char, 32> text{};
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  pid_t pid = 0;
  if (size > 0) std::from_chars(text.data(), text.data() + size, pid);
  return pid > 0 ? "pid " + std::to_string(pid) : "another process";
}

// The pid is information only, so a full disk is no reason to fail.
void write_pid(int file) {
  const std::string text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file, 0) != 0) return;
  [[maybe_unused]] const ssize_t written = ::pwrite(file, text.data(), text.size(), 0);
}

Result<UniqueFd> open_file(const std::string& path) {
  // O_NOFOLLOW and the checks: in a directory that others may write to, the name could lead
  // elsewhere.
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!file) {
    return errno == ELOOP
               ? Status::failed_precondition("the lock file " + path + " is a symlink: remove it")
               : Status::from_errno(errno, "open the lock file " + path);
  }
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) {
    return Status::from_errno(errno, "look at the lock file " + path);
  }
  if (!S_ISREG(found.st_mode) || found.st_nlink > 1) {
    return Status::failed_precondition("the lock file " + path +
                                       " is not a regular file of one name: remove it");
  }
  return file;
}

// The lock on `path`, or none when the file was replaced in the meantime.
Result<std::optional<Held>> lock_file(const std::string& path, UniqueFd& file) {
  struct flock lock = whole_file(F_WRLCK);
  if (::fcntl(file.get(), F_SETLK, &lock) != 0) {
    if (errno == EACCES || errno == EAGAIN) return taken(path, holder(file.get()));
    return Status::from_errno(errno, "lock " + path);
  }
  struct stat opened {};
  struct stat named {};
  if (::fstat(file.get(), &opened) != 0) return Status::from_errno(errno, "look at " + path);
  if (::stat(path.c_str(), &named) != 0 || named.st_dev != opened.st_dev ||
      named.st_ino != opened.st_ino) {
    return std::optional<Held>();
  }
  return std::optional(Held{opened.st_dev, opened.st_ino, ::getpid()});
}

// Somebody removed the file between two of our steps this often: give up.
constexpr int kTries = 16;

}  // namespace

NameLock::NameLock(UniqueFd file, dev_t device, ino_t inode) noexcept
    : file_(std::move(file)), device_(device), inode_(inode), owner_(::getpid()) {}

Result<NameLock> NameLock::take(const std::string& path) {
  HeldLocks& locks = held_locks();
  const std::lock_guard guard(locks.mutex);
  for (int i = 0; i < kTries; ++i) {
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0 && held_here(locks, found)) {
      return taken(path, "this very process, pid " + std::to_string(::getpid()) + ",");
    }
    auto file = open_file(path);
    if (!file) return file.status();
    auto held = lock_file(path, *file);
    if (!held) return held.status();
    if (!*held) continue;
    write_pid(file->get());
    locks.list.push_back(**held);
    return NameLock(std::move(*file), (*held)->device, (*held)->inode);
  }
  return Status::aborted("lock " + path + ": somebody keeps removing the file");
}

bool NameLock::ours() const noexcept { return file_.valid() && owner_ == ::getpid(); }

NameLock::~NameLock() {
  if (!ours()) return;  // moved from, or a forked child's copy: its close() drops no lock of ours
  HeldLocks& locks = held_locks();
  const std::lock_guard guard(locks.mutex);
  std::erase_if(locks.list, [this](const Held& held) {
    return held.device == device_ && held.inode == inode_ && held.owner == owner_;
  });
  file_.reset();
}

}  // namespace ferry::transports
