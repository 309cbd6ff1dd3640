// Listener: the socket at which a server is found.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

#include "transports/target.h"

namespace ferry::transports {

struct ListenOptions {
  // Of the socket file. Set before the name appears.
  mode_t mode = 0600;
  std::optional<uid_t> owner = std::nullopt;
  std::optional<gid_t> group = std::nullopt;
};

// A listening local socket under a name that nobody else's server takes while this one lives.
//
// Who owns the name is decided by a record lock (fcntl(2)) on the file PATH.lock, never by trying
// to connect: ECONNREFUSED is returned for a live server between bind() and listen() as well, and a
// dead server's forked child still accepts. A record lock ends with its process, whatever children
// it left. The socket is bound and set up under PATH.new and then renamed, so that PATH is never
// seen without a listener. The lock file is kept: removing it would race. Whoever gets the lock
// removes what a server that was killed left under names beside PATH (sys/leftovers.h).
//
// Thread safety: none. A child made by fork() that destroys its copy leaves the name alone.
class Listener {
 public:
  // Listens at target.path. Failures: ALREADY_EXISTS: a live server has the name (its pid is
  // named), or something that is not a socket stands there; NOT_FOUND: no such directory;
  // PERMISSION_DENIED. A socket for that path that was inherited by the LISTEN_FDS protocol
  // (sd_listen_fds(3)) is used instead, as it is.
  [[nodiscard]] static Result<Listener> open(const Target& target, const ListenOptions& options);
  [[nodiscard]] static Result<Listener> open(const std::string& path, const ListenOptions& options);
  // Takes a socket that already listens. It has no lock and its file is left alone at close.
  // INVALID_ARGUMENT when it is not a listening local stream socket.
  [[nodiscard]] static Result<Listener> from_descriptor(UniqueFd socket);

  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();  // removes the socket's name, then stops listening

  enum class Outcome : std::uint8_t {
    kConnection,  // `socket` is one
    kNone,        // nobody waits
    kPause,       // no descriptor (or memory) for it; `why` names the limit. Don't poll for
                  // limits::kAcceptPause: the socket stays readable, and polling would spin
    kFailed,      // the listening socket is of no use any more; `why`
  };
  struct Accepted {
    Outcome outcome = Outcome::kNone;
    UniqueFd socket;
    Status why;
  };
  // Never blocks.
  [[nodiscard]] Accepted accept();

  // Readable when accept() has something. Belongs to the listener.
  [[nodiscard]] int descriptor() const noexcept;
  // The socket's path; empty when it has none (an inherited abstract one).
  [[nodiscard]] const std::string& path() const noexcept;
  // Whether the path is this listener's own, by its lock; an inherited socket's is not.
  [[nodiscard]] bool holds_name() const noexcept;

 private:
  struct Name;
  Listener();

  UniqueFd socket_;
  std::string path_;
  std::unique_ptr<Name> name_;  // null: the name is not ours
};

// Whether `fd` is a socket that listens (fd:N may be one, or a connected one).
[[nodiscard]] bool is_listening(int fd) noexcept;

}  // namespace ferry::transports
