// The server's half of the handshake: a state machine that never blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <ferry/result.h>
#include <ferry/trust.h>
#include <ferry/unique_fd.h>

#include "transports/rendezvous/connected.h"
#include "transports/rendezvous/server_policy.h"

namespace ferry::transports {

// One connection's handshake. Drive it like this: poll descriptor() for reading, and for writing as
// well while wants_write(); call on_ready() when either comes. After limits::kHandshakeTime give
// up: destroy it and log timed_out(). kDone: take(). kFailed: failure() is for the log; the client
// was told what it may know. The socket is closed with the object unless it was taken.
//
// docs/handshake.md has the records. Thread safety: none.
class ServerHandshake {
 public:
  enum class Step : std::uint8_t { kAgain, kDone, kFailed };

  // `policy` must outlive the object. `greeting` is this server's, sent with every offer; at most
  // limits::kGreetingBytes.
  ServerHandshake(UniqueFd socket, const ServerPolicy& policy, std::string greeting);
  ~ServerHandshake();
  ServerHandshake(ServerHandshake&&) noexcept;
  ServerHandshake& operator=(ServerHandshake&&) noexcept;

  [[nodiscard]] int descriptor() const noexcept;
  [[nodiscard]] bool wants_write() const noexcept;
  [[nodiscard]] Step on_ready();

  [[nodiscard]] Status failure() const;
  [[nodiscard]] Status timed_out() const;
  // After kDone, once.
  [[nodiscard]] Connected take();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Tells whoever connected `socket` that there is no handshake to be had, and why (a server with too
// many connections, say). Never blocks; what does not fit is not sent.
void refuse(UniqueFd socket, const Status& why);

}  // namespace ferry::transports
