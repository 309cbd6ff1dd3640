#include "transports/rendezvous/listener.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include "transports/rendezvous/name_lock.h"
#include "transports/rendezvous/runtime_directory.h"
#include "transports/sys/leftovers.h"

namespace ferry::transports {

// The name of a listening socket: everything that close has to undo.
struct Listener::Name {
  NameLock lock;
  UniqueFd directory;  // O_PATH: the name is removed where it was made, wherever that was moved to
  std::string file;
  dev_t device = 0;
  ino_t inode = 0;

  ~Name() {
    if (!lock.ours()) return;
    struct stat found {};
    const bool there = ::fstatat(directory.get(), file.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && found.st_dev == device && found.st_ino == inode) {
      ::unlinkat(directory.get(), file.c_str(), 0);
    }
  }
};

namespace {

// Where sd_listen_fds(3) begins.
constexpr int kFirstInherited = 3;

// What a socket is called until it listens.
constexpr const char* kTemporary = ".new";

struct Place {
  std::string directory;
  std::string file;
};

Place split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// The address of `file` in the directory `where`, which is open as `directory`. The plain path is
// what ss(8) then shows; one that does not fit sun_path goes through /proc.
sockaddr_un address_of(const std::string& where, int directory, const std::string& file) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = where + "/" + file;
  if (path.size() >= sizeof(address.sun_path)) {
    path = "/proc/self/fd/" + std::to_string(directory) + "/" + file;
  }
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
  return address;
}

Result<UniqueFd> open_directory(const std::string& path) {
  UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory) return directory;
  if (errno == ENOENT)
    return Status::not_found("the directory " + path + " does not exist: make it");
  return Status::from_errno(errno, "open the directory " + path);
}

// A file that is not a socket is not ours to replace. What is there may be a stale socket.
Status check_free(int directory, const Place& place) {
  struct stat found {};
  if (::fstatat(directory, place.file.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? Status() : Status::from_errno(errno, "look at " + place.file);
  }
  if (S_ISSOCK(found.st_mode)) return {};
  return Status::already_exists(
      "there is something that is not a socket; remove it, or choose "
      "another path");
}

Status set_owner_and_mode(int directory, const std::string& file, const ListenOptions& options) {
  if (options.owner || options.group) {
    const uid_t owner = options.owner.value_or(static_cast<uid_t>(-1));
    const gid_t group = options.group.value_or(static_cast<gid_t>(-1));
    if (::fchownat(directory, file.c_str(), owner, group, AT_SYMLINK_NOFOLLOW) != 0) {
      const auto id = [](auto given) { return given ? std::to_string(*given) : "as it is"; };
      return Status::from_errno(errno, "set the socket's owner (" + id(options.owner) +
                                           ") and group (" + id(options.group) + ")");
    }
  }
  if (::fchmodat(directory, file.c_str(), options.mode & 0777, 0) != 0) {
    return Status::from_errno(errno, "set the socket's mode");
  }
  return {};
}

// Binds, sets up and listens under a temporary name, then renames over the real one.
Result<UniqueFd> listen_at(int directory, const Place& place, const ListenOptions& options) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return Status::from_errno(errno, "make a socket");
  // bind() gives the file the socket's own mode: it is closed to others from the first moment.
  ::fchmod(socket.get(), 0600);
  const std::string temporary = place.file + kTemporary;
  const sockaddr_un address = address_of(place.directory, directory, temporary);
  // We hold the lock, so whatever has the temporary name was left by a server that died.
  ::unlinkat(directory, temporary.c_str(), 0);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return Status::from_errno(errno, "bind " + place.directory + "/" + temporary);
  }
  Status done = set_owner_and_mode(directory, temporary, options);
  if (done.ok() && ::listen(socket.get(), SOMAXCONN) != 0)
    done = Status::from_errno(errno, "listen");
  if (done.ok() && ::renameat(directory, temporary.c_str(), directory, place.file.c_str()) != 0) {
    done = Status::from_errno(errno, "rename " + temporary + " to " + place.file);
  }
  if (done.ok()) return socket;
  ::unlinkat(directory, temporary.c_str(), 0);
  return done;
}

std::string socket_path(int socket) {
  sockaddr_un address{};
  socklen_t size = sizeof(address);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (address.sun_family != AF_UNIX || size <= sizeof(sa_family_t)) return {};
  return {address.sun_path, ::strnlen(address.sun_path, size - sizeof(sa_family_t))};
}

int number_from_environment(const char* name) {
  const char* text = std::getenv(name);
  int value = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
  return value;
}

// The socket that a service manager opened at `path` for this process, or none.
UniqueFd inherited_for(const std::string& path) {
  if (number_from_environment("LISTEN_PID") != ::getpid()) return {};
  const int count = number_from_environment("LISTEN_FDS");
  for (int fd = kFirstInherited; fd - kFirstInherited < count; ++fd) {
    if (!is_listening(fd)) continue;
    // One that ferry made still has the name it was bound to.
    const std::string bound = socket_path(fd);
    if (bound == path || bound == path + kTemporary) return UniqueFd(fd);
  }
  return {};
}

std::string descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return "RLIMIT_NOFILE is " + std::to_string(limit.rlim_cur);
}

}  // namespace

Listener::Listener() = default;
Listener::Listener(Listener&&) noexcept = default;
Listener::~Listener() {
  name_.reset();  // first the name: nobody connects to a socket that is about to close
}
Listener& Listener::operator=(Listener&& other) noexcept {
  if (this == &other) return *this;
  name_.reset();
  socket_ = std::move(other.socket_);
  path_ = std::move(other.path_);
  name_ = std::move(other.name_);
  return *this;
}

Result<Listener> Listener::open(const Target& target, const ListenOptions& options) {
  const std::string where = "listen on \"" + target.text + "\"";
  if (target.path.empty()) return Status::invalid_argument(where + ": it has no path");
  if (Status made = make_runtime_directory(target); !made.ok()) return made.with_context(where);
  auto listener = open(target.path, options);
  if (!listener) return listener.status().with_context(where);
  return listener;
}

Result<Listener> Listener::open(const std::string& path, const ListenOptions& options) {
  if (UniqueFd inherited = inherited_for(path)) {
    auto listener = from_descriptor(std::move(inherited));
    if (listener) listener->path_ = path;
    return listener;
  }
  const Place place = split(path);
  auto directory = open_directory(place.directory);
  if (!directory) return directory.status();
  // Looked at twice: no lock file is left beside a file of somebody's, and nothing is replaced that
  // came while the lock was not ours yet.
  if (Status free = check_free(directory->get(), place); !free.ok()) return free;
  auto lock = NameLock::take(path + ".lock");
  if (!lock) return lock.status();
  if (Status free = check_free(directory->get(), place); !free.ok()) return free;
  sys::remove_leftovers(directory->get(), place.file);
  auto socket = listen_at(directory->get(), place, options);
  if (!socket) return socket.status();
  struct stat made {};
  if (::fstatat(directory->get(), place.file.c_str(), &made, AT_SYMLINK_NOFOLLOW) != 0) {
    return Status::from_errno(errno, "look at the socket just made");
  }
  Listener listener;
  listener.socket_ = std::move(*socket);
  listener.path_ = path;
  listener.name_.reset(
      new Name{std::move(*lock), std::move(*directory), place.file, made.st_dev, made.st_ino});
  return listener;
}

Result<Listener> Listener::from_descriptor(UniqueFd socket) {
  int type = 0;
  int domain = 0;
  socklen_t size = sizeof(int);
  ::getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size);
  ::getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size);
  if (!is_listening(socket.get()) || type != SOCK_STREAM || domain != AF_UNIX) {
    return Status::invalid_argument("descriptor " + std::to_string(socket.get()) +
                                    " is not a listening local stream socket (AF_UNIX, "
                                    "SOCK_STREAM): pass one");
  }
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  // Shared with whoever passed it; accept() must not block, and nobody else needs it to.
  if (::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK) != 0) {
    return Status::from_errno(errno, "make the listening socket non-blocking");
  }
  Listener listener;
  listener.path_ = socket_path(socket.get());
  listener.socket_ = std::move(socket);
  return listener;
}

Listener::Accepted Listener::accept() {
  for (;;) {
    UniqueFd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket) return {Outcome::kConnection, std::move(socket), {}};
    switch (errno) {
      case EINTR:
      case ECONNABORTED:  // that client is gone already
        continue;
      case EAGAIN:
        return {};
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM: {
        const std::string tried = "accept a connection (" + descriptor_limit() + ")";
        return {Outcome::kPause, {}, Status::from_errno(errno, tried)};
      }
      default:
        return {Outcome::kFailed, {}, Status::from_errno(errno, "accept a connection")};
    }
  }
}

int Listener::descriptor() const noexcept { return socket_.get(); }
const std::string& Listener::path() const noexcept { return path_; }
bool Listener::holds_name() const noexcept { return name_ != nullptr; }

bool is_listening(int fd) noexcept {
  int listening = 0;
  socklen_t size = sizeof(listening);
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

}  // namespace ferry::transports
