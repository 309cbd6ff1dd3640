#include "transports/rendezvous/peer.h"

#include <cerrno>
#include <string>
#include <sys/un.h>
#include <unistd.h>

namespace ferry::transports {

namespace {

// What the kernel reports for a process that cannot be told (overflowuid, proc(5)).
constexpr uid_t kNobody = 65534;

std::string on(int socket) { return "socket " + std::to_string(socket); }

template <typename T>
bool get(int socket, int option, T& value) {
  socklen_t size = sizeof(value);
  return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0;
}

template <typename Ask>
bool unnamed(int socket, Ask ask) {
  sockaddr_un address{};
  socklen_t size = sizeof(address);
  return ask(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         size <= sizeof(sa_family_t);
}

}  // namespace

Trust resolve(Trust trust, uid_t uid) noexcept {
  if (trust != Trust::kDefault) return trust;
  return uid == ::geteuid() ? Trust::kSameUser : Trust::kHostile;
}

Result<Peer> socket_peer(int socket, Trust trust) {
  const auto refuse = [socket](const std::string& why) {
    return Status::invalid_argument("descriptor " + std::to_string(socket) + " is not " + why);
  };
  const std::string remedy =
      ": pass a connected local stream socket, such as an end of a socketpair(2)";
  int domain = 0;
  int type = 0;
  if (!get(socket, SO_DOMAIN, domain) || !get(socket, SO_TYPE, type)) {
    if (errno != EBADF) return refuse("a socket" + remedy);
    return refuse(
        "open in this process: pass one that it inherited (opened without close-on-exec)");
  }
  if (domain != AF_UNIX || type != SOCK_STREAM) {
    return refuse("a local stream socket (AF_UNIX, SOCK_STREAM)" + remedy);
  }
  sockaddr_un address{};
  socklen_t size = sizeof(address);
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return errno == ENOTCONN ? refuse("connected" + remedy)
                             : Status::from_errno(errno, "ask for the peer of " + on(socket));
  }
  ucred credentials{};
  if (!get(socket, SO_PEERCRED, credentials)) {
    return Status::from_errno(errno, "ask for the credentials of the peer of " + on(socket));
  }
  return Peer{credentials.pid, credentials.uid, credentials.gid, resolve(trust, credentials.uid)};
}

bool is_pair(int socket) noexcept {
  return unnamed(socket, ::getsockname) && unnamed(socket, ::getpeername);
}

Status pass_credentials(int socket, bool enable) {
  const int value = enable ? 1 : 0;
  if (::setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &value, sizeof(value)) == 0) return {};
  return Status::from_errno(errno, "set SO_PASSCRED of " + on(socket));
}

Peer sender_as_peer(const std::optional<ucred>& sender, Trust trust) noexcept {
  // Pid 0 is what a message without credentials carries.
  if (!sender || sender->pid == 0) return {0, kNobody, kNobody, resolve(trust, kNobody)};
  return {sender->pid, sender->uid, sender->gid, resolve(trust, sender->uid)};
}

}  // namespace ferry::transports
