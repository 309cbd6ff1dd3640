// NameLock: decides which server owns the name of a rendezvous socket.
#pragma once

#include <string>
#include <sys/types.h>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

namespace ferry::transports {

// Holds a record lock (F_SETLK, fcntl(2)) on a lock file until destroyed. It belongs to the
// process: it ends with it, whatever children still have the file open, and two holders in one
// process would not see each other. So a process-wide list of the locks held stands beside it,
// which also keeps the file from being opened twice: closing any descriptor of it would drop the
// lock.
//
// The file is never removed, and has the holder's pid as text, for people only.
class NameLock {
 public:
  // Never blocks. ALREADY_EXISTS: somebody holds it; the message has the pid.
  [[nodiscard]] static Result<NameLock> take(const std::string& path);

  NameLock(NameLock&& other) noexcept = default;
  NameLock& operator=(NameLock&& other) = delete;
  ~NameLock();

  // False in a child made by fork(): the lock stayed with the parent.
  [[nodiscard]] bool ours() const noexcept;

 private:
  NameLock(UniqueFd file, dev_t device, ino_t inode) noexcept;

  UniqueFd file_;
  dev_t device_;
  ino_t inode_;
  pid_t owner_;
};

}  // namespace ferry::transports
