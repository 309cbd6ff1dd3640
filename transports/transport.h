// A Transport makes lanes of one kind. One folder each, one line in registry.cc.
//
// The server makes every kernel object and opens every end; the client's ends travel as
// descriptors. So an object has no name, or loses it before anything else happens
// (sys/leftovers.h); no open file description is shared unless the transport's header says so; and
// the kernel reclaims everything however the processes die.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ferry/limits.h>
#include <ferry/result.h>
#include <ferry/trust.h>
#include <ferry/unique_fd.h>

#include "transports/lane.h"

namespace ferry::transports {

// What one connection's set-up knows, on either side.
struct SetUp {
  Peer peer;                                    // trust is resolved
  std::size_t ring_bytes = limits::kRingBytes;  // a power of two; server's choice
  // Path of the rendezvous socket, whose name lock this process holds: FIFOs are made beside it.
  // Empty when there is none.
  std::string rendezvous;
};

// The server's half of a lane that the client has not accepted yet. Destroying it undoes
// everything.
class Offer {
 public:
  virtual ~Offer() = default;
  // The client's ends, in the order join() expects them; owned by the offer, passed to the client.
  [[nodiscard]] virtual std::vector<int> descriptors() const = 0;
  // One number for the client's half (a ring's size, a message's size); 0 when there is none.
  [[nodiscard]] virtual std::uint64_t parameter() const noexcept { return 0; }
  // The client accepted: the server's lane, which owns `control` from here on. Call once.
  [[nodiscard]] virtual Result<std::unique_ptr<Lane>> accept(UniqueFd control) = 0;
};

// Stateless; all functions may be called from any thread. None blocks.
class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;  // as in the target
  [[nodiscard]] virtual WaitMode wait_mode() const noexcept = 0;
  // OK when this transport may be offered to, or accepted from, such a peer; PERMISSION_DENIED
  // with the reason when not. docs/transports.md has the table.
  [[nodiscard]] virtual Status permits(const Peer& peer) const = 0;
  // Server: makes everything. RESOURCE_EXHAUSTED names the limit, its value and what was asked.
  [[nodiscard]] virtual Result<std::unique_ptr<Offer>> offer(const SetUp& set_up) const = 0;
  // Client: checks what the server passed (kind, size, seals: it may lie) and makes the lane, which
  // owns `control` from here on. On failure `control` is left with the caller.
  [[nodiscard]] virtual Result<std::unique_ptr<Lane>> join(const SetUp& set_up,
                                                           std::uint64_t parameter,
                                                           std::vector<UniqueFd> descriptors,
                                                           UniqueFd& control) const = 0;
};

// Every transport that a rendezvous can negotiate, cheapest call first (measured:
// docs/transports.md).
[[nodiscard]] std::span<const Transport* const> all_transports();
// The transport called `name`, or nullptr.
[[nodiscard]] const Transport* find_transport(std::string_view name);

}  // namespace ferry::transports
