// Bell: how one side wakes the other: eventfds between peers that trust each other, a socketpair
// where one of them may be hostile.
//
// Two eventfds, one a direction, are what is cheapest, but both sides hold the same open file
// description: a peer could clear its O_NONBLOCK and fill it, and our write would block. The ends
// of a socketpair are private: MSG_DONTWAIT never blocks, and a peer that fills it only misses its
// own wake-ups.
#pragma once

#include <cstdint>
#include <vector>

#include <ferry/result.h>
#include <ferry/trust.h>
#include <ferry/unique_fd.h>

namespace ferry::transports::memfd {

class Bell {
 public:
  Bell() noexcept = default;

  // What both sides get from the server.
  struct Pair;
  // Makes the kind of bell that `trust` in the client allows.
  [[nodiscard]] static Result<Pair> create(Trust trust);
  // The client's bell from the descriptors that a server passed, which may be anything. Fails with
  // INVALID_ARGUMENT, or PERMISSION_DENIED where they are of a kind that `trust` does not allow.
  [[nodiscard]] static Result<Bell> adopt(std::vector<UniqueFd> descriptors, Trust trust);

  // Readable when the peer rang; level-triggered.
  [[nodiscard]] int fd() const noexcept { return own_.get(); }
  // Rings the peer's. False: its end is closed. Never blocks; one system call.
  [[nodiscard]] bool ring() const noexcept;
  // Makes fd() not readable, unless it rings again. False: the peer's end is closed. One system
  // call.
  [[nodiscard]] bool clear() const noexcept;
  // Sleeps whose rings may stay uncleared without one being lost; 0: any number.
  [[nodiscard]] std::uint32_t most_uncleared() const noexcept;

  // What the peer needs for its end, in the order that adopt() expects.
  [[nodiscard]] std::vector<int> descriptors() const;

 private:
  [[nodiscard]] bool socket() const noexcept { return !peer_; }

  UniqueFd own_;   // watched by this side; of a socketpair: this side's end
  UniqueFd peer_;  // the eventfd that the peer watches; none with a socketpair
};

struct Bell::Pair {
  Bell server;
  Bell client;
};

}  // namespace ferry::transports::memfd
