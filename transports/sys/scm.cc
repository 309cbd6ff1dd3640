#include "transports/sys/scm.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>

#include <ferry/limits.h>

namespace ferry::transports::sys {

namespace {

// Room for all that the kernel may deliver in one call: a whole batch, and the credentials that
// SO_PASSCRED adds.
constexpr std::size_t kControlBytes =
    CMSG_SPACE(sizeof(int) * limits::kDescriptors) + CMSG_SPACE(sizeof(ucred));

// Every descriptor that the kernel installed is ours, whatever else is wrong with the message: a
// truncated control message still installs those that fitted.
void collect(msghdr& message, std::vector<UniqueFd>& into) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
      into.emplace_back(fd);
    }
  }
}

}  // namespace

SocketIo send(int socket, std::span<const iovec> bytes, std::span<const int> descriptors) noexcept {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int) * limits::kDescriptors)> control;
  const bool plain = bytes.size() == 1 && descriptors.empty();  // most are, and it costs less
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(bytes.data());  // sendmsg(2) only reads it
  message.msg_iovlen = std::min<std::size_t>(bytes.size(), IOV_MAX);
  if (!descriptors.empty()) {
    if (descriptors.size() > limits::kDescriptors) return {Io::kFailed, 0, EINVAL};
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    const ssize_t sent =
        plain ? ::send(socket, bytes[0].iov_base, bytes[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL)
              : ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) return {Io::kDone, static_cast<std::size_t>(sent), 0};
    if (sent == 0) return {Io::kWouldBlock, 0, 0};
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN:
        return {Io::kWouldBlock, 0, 0};
      case ETOOMANYREFS:
        return {Io::kWouldBlock, 0, ETOOMANYREFS};
      case EPIPE:
      case ECONNRESET:
        return {Io::kClosed, 0, 0};
      default:
        return {Io::kFailed, 0, errno};
    }
  }
}

SocketIo receive(int socket, std::span<std::byte> into, Wait wait,
                 std::vector<UniqueFd>& descriptors) {
  alignas(cmsghdr) std::array<std::byte, kControlBytes> control;
  iovec part{into.data(), into.size()};
  for (;;) {
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const int flags = MSG_CMSG_CLOEXEC | (wait == Wait::kYes ? 0 : MSG_DONTWAIT);
    const ssize_t received = ::recvmsg(socket, &message, flags);
    if (received > 0) {
      if (message.msg_controllen > 0) collect(message, descriptors);
      return {Io::kDone, static_cast<std::size_t>(received), 0,
              (message.msg_flags & MSG_CTRUNC) != 0};
    }
    if (received == 0) return {Io::kClosed, 0, 0};
    switch (errno) {
      case EINTR:
        if (wait == Wait::kYes) return {Io::kWouldBlock, 0, EINTR};
        continue;
      case EAGAIN:
        return {Io::kWouldBlock, 0, 0};
      case ECONNRESET:  // the peer closed without reading all; what it sent came before this
        return {Io::kClosed, 0, 0};
      default:
        return {Io::kFailed, 0, errno};
    }
  }
}

Status lost_descriptors(int socket) {
  const UniqueFd probe(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
  if (probe) {
    return Status::permission_denied(
        "receive the peer's descriptors: the kernel dropped some although this process has room "
        "for more; look for a security module's refusal in the kernel's log");
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return Status::resource_exhausted(
      "receive the peer's descriptors: this process has no free descriptor (RLIMIT_NOFILE is " +
      std::to_string(limit.rlim_cur) + "); close some or raise the limit");
}

}  // namespace ferry::transports::sys
