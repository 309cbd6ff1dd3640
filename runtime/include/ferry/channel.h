// Channel: the client's end of a connection to one server.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <ferry/call_options.h>
#include <ferry/limits.h>
#include <ferry/result.h>
#include <ferry/spin.h>
#include <ferry/trust.h>
#include <ferry/unique_fd.h>

namespace ferry {

namespace support {
class Caller;
}

struct ConnectOptions {
  // How long connecting may take, handshake included. Also bounded by limits::kHandshakeTime after
  // the socket is connected.
  std::chrono::nanoseconds timeout = limits::kHandshakeTime;
  // What the server is trusted with. kDefault: another uid is hostile, our own is not.
  Trust trust = Trust::kDefault;
  // How a waiting caller waits before it parks.
  Spin spin = Spin::kDefault;
  // The largest reply accepted, in bytes.
  std::size_t message_bytes = limits::kMessageBytes;
};

// A connection to a server, over the transport its target names. Calls are made through a
// Stub<Interface>.
//
// Driver: blocking. A call runs on its caller's own thread from encode to decode; there is no event
// loop and no hidden thread (but one watcher a process while a `shm:` channel exists: it cannot see
// its peer die otherwise).
// Thread safety: any number of threads may call over one Channel at once.
// Lifetime: movable. A Stub keeps what it needs alive, so Stubs may outlive the Channel; calls made
// after close() are CANCELLED. When a connection ends, calls in flight are UNAVAILABLE, and the
// next call connects again (an adopted socket cannot be: its calls stay UNAVAILABLE). After fork()
// the child's copy answers FAILED_PRECONDITION and touches nothing.
class Channel {
 public:
  // Connects now and says now what is wrong. Blocks up to `options.timeout`.
  //   INVALID_ARGUMENT     a target that can't be
  //   UNAVAILABLE          nobody, or something else, listens there; it hung up
  //   PERMISSION_DENIED    the socket's mode; a transport that is not for such a peer
  //   DEADLINE_EXCEEDED    connected, but no answer in time; or no room in the backlog
  //   RESOURCE_EXHAUSTED   a limit of the server's, of the kernel's or of this process, named
  //   FAILED_PRECONDITION  the server does not offer the transport that the target names; the
  //                        runtime directory is open to others, or somebody else's
  //   UNIMPLEMENTED        no common version of the protocol
  [[nodiscard]] static Result<Channel> connect(std::string_view target,
                                               const ConnectOptions& options = {});
  // Connects with the first call. Only the target's form is checked now. Does not block.
  [[nodiscard]] static Result<Channel> lazy(std::string_view target,
                                            const ConnectOptions& options = {});
  // Takes a connected local stream socket, e.g. one end of a socketpair whose other end a server
  // adopts; on failure it is closed. Blocks and fails as connect() does; the server must be
  // adopting at the same time.
  [[nodiscard]] static Result<Channel> adopt(UniqueFd socket, const ConnectOptions& options = {});

  Channel(Channel&&) noexcept;
  Channel& operator=(Channel&&) noexcept;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();  // as close(0)

  // The transport that carries the calls ("memfd"), or "" while there is no connection.
  [[nodiscard]] std::string transport() const;
  // Why that one: a line for each transport that was passed over, and one for the chosen.
  [[nodiscard]] std::string explain() const;
  // Who the server is, as the kernel reported it when the connection was made.
  [[nodiscard]] Peer peer() const;

  // Ends the channel: waits up to `wait` for calls in flight, then ends those of all threads with
  // CANCELLED. Later calls are CANCELLED. DEADLINE_EXCEEDED when calls had to be ended.
  Status close(std::chrono::nanoseconds wait = std::chrono::nanoseconds{0});

  // For generated stubs.
  [[nodiscard]] const std::shared_ptr<support::Caller>& ferry_caller() const noexcept {
    return caller_;
  }

 private:
  explicit Channel(std::shared_ptr<support::Caller> caller) : caller_(std::move(caller)) {}

  std::shared_ptr<support::Caller> caller_;
};

}  // namespace ferry
