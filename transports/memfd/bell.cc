#include "transports/memfd/bell.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transports/sys/os_error.h"

namespace ferry::transports::memfd {

namespace {

// A unix socket of default size holds 278 sends of one byte [measured]; a peer that keeps the rules
// rings at most three times for each time we sleep.
constexpr std::uint32_t kSocketUncleared = 32;

bool is_eventfd(int fd) {
  // proc(5), /proc/pid/fd: anonymous inodes name their kind.
  std::array<char, 64> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  if (length < 0) return errno == ENOENT;  // no /proc here: taken on trust
  return std::string_view(target.data(), static_cast<std::size_t>(length)) ==
         "anon_inode:[eventfd]";
}

Status check_eventfd(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || !is_eventfd(fd)) {
    return Status::invalid_argument("memfd: the server passed a doorbell that is no eventfd");
  }
  if ((flags & O_NONBLOCK) == 0) {
    return Status::invalid_argument("memfd: the server passed a doorbell that could block us");
  }
  return {};
}

bool has_socket_option(int fd, int option, int expected) noexcept {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 && value == expected;
}

}  // namespace

Result<Bell::Pair> Bell::create(Trust trust) {
  Pair pair;
  if (trust == Trust::kHostile) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      return sys::os_error(errno, "making the socketpair of a doorbell");
    }
    pair.server.own_.reset(ends[0]);
    pair.client.own_.reset(ends[1]);
    return pair;
  }
  for (Bell* bell : {&pair.server, &pair.client}) {
    bell->own_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!bell->own_) return sys::os_error(errno, "making the eventfd of a doorbell");
  }
  Result<UniqueFd> server = pair.server.own_.duplicate();
  if (!server) return server.status();
  Result<UniqueFd> client = pair.client.own_.duplicate();
  if (!client) return client.status();
  pair.client.peer_ = std::move(*server);
  pair.server.peer_ = std::move(*client);
  return pair;
}

Result<Bell> Bell::adopt(std::vector<UniqueFd> descriptors, Trust trust) {
  Bell bell;
  if (descriptors.size() == 1) {
    const int fd = descriptors[0].get();
    if (!has_socket_option(fd, SO_DOMAIN, AF_UNIX) ||
        !has_socket_option(fd, SO_TYPE, SOCK_STREAM) || !has_socket_option(fd, SO_ACCEPTCONN, 0)) {
      return Status::invalid_argument(
          "memfd: the server passed a doorbell that is no connected unix socket");
    }
    bell.own_ = std::move(descriptors[0]);
    return bell;
  }
  if (descriptors.size() != 2) {
    return Status::invalid_argument("memfd: the server passed " +
                                    std::to_string(descriptors.size()) +
                                    " descriptors for the doorbells; 1 or 2 were expected");
  }
  if (trust == Trust::kHostile) {
    return Status::permission_denied(
        "memfd: the server offers eventfds as doorbells, through which a hostile peer could block "
        "us; it must treat this client as hostile too, or be trusted more");
  }
  for (const UniqueFd& fd : descriptors) {
    if (Status status = check_eventfd(fd.get()); !status.ok()) return status;
  }
  bell.own_ = std::move(descriptors[0]);
  bell.peer_ = std::move(descriptors[1]);
  return bell;
}

std::vector<int> Bell::descriptors() const {
  if (socket()) return {own_.get()};
  return {own_.get(), peer_.get()};
}

bool Bell::ring() const noexcept {
  if (socket()) {
    const char byte = 0;
    // A full buffer is unread rings: the peer has its edge, or does not look.
    if (::send(own_.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) return true;
    return errno != EPIPE && errno != ECONNRESET && errno != ENOTCONN;
  }
  const std::uint64_t one = 1;
  static_cast<void>(!::write(peer_.get(), &one, sizeof one));
  return true;
}

bool Bell::clear() const noexcept {
  if (socket()) {
    std::array<char, 512> rings;
    const ssize_t count = ::recv(own_.get(), rings.data(), rings.size(), MSG_DONTWAIT);
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
  }
  std::uint64_t rings = 0;
  static_cast<void>(!::read(own_.get(), &rings, sizeof rings));
  return true;
}

std::uint32_t Bell::most_uncleared() const noexcept { return socket() ? kSocketUncleared : 0; }

}  // namespace ferry::transports::memfd
