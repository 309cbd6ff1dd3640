// Who the peer is, and what we trust it with.
#pragma once

#include <cstdint>
#include <string_view>
#include <sys/types.h>

namespace ferry {

// The user's word, not a guess from a uid: a sandboxed plugin has its host's uid and may still be
// hostile. docs/transports.md has the table of what each level allows.
enum class Trust : std::uint8_t {
  kDefault,   // a foreign uid is hostile, the same uid is kSameUser
  kHostile,   // the peer may do anything; only lanes it cannot hurt us through are offered
  kSameUser,  // the peer may be buggy, but does not attack
  kFull,      // the peer is as good as our own code
};

[[nodiscard]] std::string_view name(Trust trust) noexcept;

// The peer of a connection as the kernel reported it when it connected (SO_PEERCRED, unix(7)): the
// process that called connect() or listen(), which may have passed the socket on since.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  Trust trust = Trust::kHostile;  // never kDefault: resolved when the connection was made
};

}  // namespace ferry
