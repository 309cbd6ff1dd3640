// Bytes and descriptors over a local stream socket (SCM_RIGHTS, unix(7)).
#pragma once

#include <cstddef>
#include <span>
#include <sys/uio.h>
#include <vector>

#include <ferry/status.h>
#include <ferry/unique_fd.h>

#include "transports/lane.h"

namespace ferry::transports::sys {

struct SocketIo {
  Io outcome = Io::kWouldBlock;  // kDone, kWouldBlock, kClosed or kFailed
  std::size_t bytes = 0;
  int error = 0;  // errno of kFailed; with kWouldBlock ETOOMANYREFS or EINTR, see below
  bool lost_descriptors =
      false;  // the bytes came, but not all descriptors that were sent with them
};

// One sendmsg, without waiting and without SIGPIPE. `descriptors` (at most limits::kDescriptors) go
// with the first byte and are duplicated by the kernel. kWouldBlock with ETOOMANYREFS: this user
// has too many descriptors in flight on all its sockets; it passes when some receiver reads.
[[nodiscard]] SocketIo send(int socket, std::span<const iovec> bytes,
                            std::span<const int> descriptors) noexcept;

enum class Wait : bool { kNo, kYes };

// One recvmsg. Descriptors that came with the bytes are appended to `descriptors`, close-on-exec.
// The kernel never hands out bytes behind a batch of descriptors in the same call, so there is at
// most one batch in it; it may hand out bytes before the batch. With Wait::kYes it blocks as the
// socket's flags and SO_RCVTIMEO say, and a signal ends the wait: kWouldBlock with EINTR.
[[nodiscard]] SocketIo receive(int socket, std::span<std::byte> into, Wait wait,
                               std::vector<UniqueFd>& descriptors);

// What SocketIo::lost_descriptors means. Call before anything is closed: it looks whether this
// process has room for another descriptor (RESOURCE_EXHAUSTED naming RLIMIT_NOFILE) or not (a
// security module refused: PERMISSION_DENIED).
[[nodiscard]] Status lost_descriptors(int socket);

}  // namespace ferry::transports::sys
