// The client's half of the rendezvous: from a target to a lane. Blocking and linear.
#pragma once

#include <string>
#include <vector>

#include <ferry/result.h>
#include <ferry/trust.h>
#include <ferry/unique_fd.h>

#include "transports/lane.h"
#include "transports/rendezvous/connected.h"
#include "transports/target.h"

namespace ferry::transports {

struct ConnectOptions {
  // What the server is trusted with. kDefault: another uid is hostile, our own is not.
  Trust trust = Trust::kDefault;
  // For all of it. After the socket is connected limits::kHandshakeTime is a bound as well; without
  // a deadline it bounds connecting, too.
  TimePoint deadline = kNever;
  // This side's greeting; at most limits::kGreetingBytes.
  std::string greeting = {};
  // Transports that may be used; empty: all. Narrows what the target says.
  std::vector<std::string> allowed = {};
};

// Connects to `target` and shakes hands. Blocks until the deadline at most. Failures:
//   UNAVAILABLE          nobody listens there, no such socket or directory, it is not a ferry
//   server, it
//                        hung up before it answered
//   PERMISSION_DENIED    the socket's mode; or a named transport is not for such a peer
//   DEADLINE_EXCEEDED    the server accepts nothing, or says nothing
//   RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ...   the server refused; its own words
// fd:N is adopted: the number is closed with the lane, and on failure.
[[nodiscard]] Result<Connected> connect(const Target& target, const ConnectOptions& options);

// The same on a connected local stream socket. `order` has the transports wanted, most wanted
// first; empty: all_transports(). What the kernel says about a socketpair is who made it, so the
// identity of the peer is then that of the process that sent its first record.
[[nodiscard]] Result<Connected> handshake_as_client(UniqueFd socket,
                                                    const std::vector<std::string>& order,
                                                    const ConnectOptions& options);

}  // namespace ferry::transports
