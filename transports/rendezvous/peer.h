// Who is at the other end of a local socket.
#pragma once

#include <optional>
#include <sys/socket.h>

#include <ferry/result.h>
#include <ferry/trust.h>

namespace ferry::transports {

// What `trust` comes to for a peer of `uid`: kDefault is kSameUser for our own, kHostile for
// others.
[[nodiscard]] Trust resolve(Trust trust, uid_t uid) noexcept;

// The peer of a connected local stream socket as SO_PEERCRED has it; `trust` is resolved.
// INVALID_ARGUMENT when it is no such socket.
[[nodiscard]] Result<Peer> socket_peer(int socket, Trust trust);

// Whether neither end has a name, as with socketpair(2). SO_PEERCRED then tells who made the pair,
// which may be this very process: whoever sends must be asked instead.
[[nodiscard]] bool is_pair(int socket) noexcept;

// Makes the kernel attach the sender's credentials to what either end sends (SO_PASSCRED, unix(7)).
// Off again before a lane uses the socket.
[[nodiscard]] Status pass_credentials(int socket, bool on);

// The peer of a pair: who sent the first record. Without credentials it is nobody, and hostile
// unless `trust` says otherwise.
[[nodiscard]] Peer sender_as_peer(const std::optional<ucred>& sender, Trust trust) noexcept;

}  // namespace ferry::transports
