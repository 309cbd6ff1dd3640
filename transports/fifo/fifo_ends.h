// The ends of a connection's two FIFOs: made by the server, checked by the client.
#pragma once

#include <string>
#include <vector>

#include <ferry/result.h>
#include <ferry/trust.h>
#include <ferry/unique_fd.h>

namespace ferry::transports {

// One side's ends. Every descriptor has an open file description of its own.
struct FifoEnds {
  UniqueFd read;           // non-blocking
  UniqueFd read_blocking;  // the same FIFO; the client's only
  UniqueFd write;          // non-blocking
  // A reader of the FIFO that this side writes, which never reads: while there is one, the kernel
  // raises no SIGPIPE (pipe(7)). The peer's end is learned from the control socket.
  UniqueFd spare;

  // As they travel to the client.
  [[nodiscard]] std::vector<int> descriptors() const;
};

struct FifoPair {
  FifoEnds server;
  FifoEnds client;
};

// Makes two FIFOs beside the socket `rendezvous`, whose name lock the caller holds, removes the
// names and opens all ends; without a rendezvous (empty) they never have names. A peer of another
// uid may open its ends again through /proc/self/fd.
[[nodiscard]] Result<FifoPair> make_fifos(const std::string& rendezvous, const Peer& peer);

// The client's ends as they came, in the order of descriptors(). The server may lie: kind and
// access of each are checked, and that they belong together. From a hostile server they are opened
// again (FAILED_PRECONDITION where there is no /proc).
[[nodiscard]] Result<FifoEnds> check_fifos(std::vector<UniqueFd> descriptors, const Peer& peer);

}  // namespace ferry::transports
