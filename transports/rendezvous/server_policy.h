// ServerPolicy: which lanes a server offers, to whom. Data; the Selection reads it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ferry/limits.h>
#include <ferry/result.h>
#include <ferry/trust.h>

#include "transports/target.h"
#include "transports/transport.h"

namespace ferry::transports {

struct ServerPolicy {
  // What may be offered; a client's order decides among them.
  std::vector<const Transport*> offered;
  // Why others are not, for the words of a refusal: "it listens with --allow=unix".
  std::string restriction;
  // What clients are trusted with; kDefault: another uid is hostile, our own is not.
  Trust trust = Trust::kDefault;
  // Handed to Transport::offer() as SetUp.
  std::size_t ring_bytes = limits::kRingBytes;
  std::string rendezvous;  // of a listener that holds_name()
  // Reserves a thread for a lane that cannot be polled (WaitMode::kThread), or says which limit
  // leaves none. What it returns is dropped when the offer is not accepted, else handed over in
  // Connected. Not set: as many as asked for.
  std::function<Result<std::shared_ptr<void>>()> take_thread;
};

// The policy of a server that listens on `target` with --allow=`allow` (empty: everything).
// INVALID_ARGUMENT: a name in `allow` is no transport, or nothing is left to offer.
[[nodiscard]] Result<ServerPolicy> server_policy(const Target& target,
                                                 std::span<const std::string> allow, Trust trust);

}  // namespace ferry::transports
