#include "transports/rendezvous/dial.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

namespace ferry::transports {

namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

// The longest single wait: a deadline further away (kNever) must not overflow a timeval.
constexpr std::chrono::hours kLongest{24};

nanoseconds left_until(TimePoint deadline) {
  const TimePoint now = Clock::now();
  if (deadline <= now) return nanoseconds{0};
  return std::min<nanoseconds>(deadline - now, kLongest);
}

// A local connect() waits for room in the backlog as long as SO_SNDTIMEO says (unix(7), socket(7));
// a non-blocking one would have to be tried again and again.
bool set_send_timeout(int socket, microseconds timeout) {
  timeval value{};
  value.tv_sec = timeout.count() / 1'000'000;
  value.tv_usec = timeout.count() % 1'000'000;
  return ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof(value)) == 0;
}

Status no_such_file(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash);
  struct stat found {};
  if (slash != 0 && ::stat(directory.c_str(), &found) != 0 && errno == ENOENT) {
    return Status::unavailable("the directory " + directory + " does not exist");
  }
  return Status::unavailable("there is no such socket; is the server running?");
}

Status nobody_listens(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0 && !S_ISSOCK(found.st_mode)) {
    return Status::unavailable("it is not a socket");
  }
  return Status::unavailable(
      "nobody listens on it; a server that died left it, or one is just starting or stopping");
}

Status no_permission(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    return Status::permission_denied("a directory on the way to it is closed to this process");
  }
  return Status::permission_denied(
      "its mode is closed to this process (it belongs to uid " + std::to_string(found.st_uid) +
      " and gid " + std::to_string(found.st_gid) +
      "); the server can open it with its options mode, owner and group");
}

Status failure_of(int error, const std::string& path) {
  switch (error) {
    case ENOENT:
      return no_such_file(path);
    case ECONNREFUSED:
      return nobody_listens(path);
    case EACCES:
    case EPERM:
      return no_permission(path);
    case EPROTOTYPE:
      return Status::unavailable("it is a socket of another type: not a ferry server");
    case ENOTDIR:
      return Status::unavailable("a part of the path in front of the socket is not a directory");
    case EAGAIN:
      return Status::deadline_exceeded(
          "the server accepts no connections: it is stopped or overloaded, and its backlog is "
          "full");
    default: {
      Status status = Status::from_errno(error, "connect");
      const bool ours = status.code() == StatusCode::kResourceExhausted;
      return ours ? status : Status::unavailable(status.message());
    }
  }
}

}  // namespace

Result<UniqueFd> dial(const std::string& path, TimePoint deadline) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return Status::from_errno(errno, "make a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Status::invalid_argument("the path has " + std::to_string(path.size()) +
                                    " bytes, a socket's name at most " +
                                    std::to_string(sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  for (;;) {
    const auto left = std::chrono::duration_cast<microseconds>(left_until(deadline));
    if (left == microseconds{0}) return failure_of(EAGAIN, path);
    if (!set_send_timeout(socket.get(), left)) {
      return Status::from_errno(errno, "set SO_SNDTIMEO");
    }
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) break;
    if (errno != EINTR) return failure_of(errno, path);
  }
  if (!set_send_timeout(socket.get(), microseconds{0})) {
    return Status::from_errno(errno, "reset SO_SNDTIMEO");
  }
  return socket;
}

bool wait_for(int socket, short events, TimePoint deadline) {
  for (;;) {
    const nanoseconds left = left_until(deadline);
    const timespec timeout{static_cast<time_t>(left.count() / 1'000'000'000),
                           static_cast<long>(left.count() % 1'000'000'000)};
    pollfd one{socket, events, 0};
    const int ready = ::ppoll(&one, 1, &timeout, nullptr);
    if (ready > 0) return true;
    // ENOMEM would be the only other failure: the caller's next try says what is wrong.
    if (ready < 0 && errno != EINTR) return true;
    if (left == nanoseconds{0}) return false;
  }
}

}  // namespace ferry::transports
