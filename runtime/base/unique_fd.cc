#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ferry/unique_fd.h>

namespace ferry {

namespace {

Result<UniqueFd> duplicate_of(int fd) {
  if (fd < 0) return Status::invalid_argument("duplicate a descriptor: there is none");
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return Status::from_errno(errno, "duplicate descriptor " + std::to_string(fd));
  return UniqueFd(copy);
}

}  // namespace

void UniqueFd::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  if (old < 0 || old == fd) return;
  // Linux frees the number even when close() fails (close(2)): never again.
  const int saved = errno;
  ::close(old);
  errno = saved;
}

void discard(UniqueFd fd) noexcept {
  if (!fd) return;
  const int saved = errno;
  const linger none{0, 0};
  // Fails for everything that is not a socket, which is as well.
  static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &none, sizeof(none)));
  errno = saved;
}

Result<UniqueFd> UniqueFd::duplicate() const { return duplicate_of(fd_); }

Result<UniqueFd> FdArg::take() const {
  if (given_ != nullptr && given_->valid()) return std::move(*given_);
  return duplicate_of(get());
}

}  // namespace ferry
