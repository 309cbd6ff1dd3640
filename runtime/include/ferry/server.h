// Server: serves any number of services to any number of clients, over every transport.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

#include <ferry/call_options.h>
#include <ferry/limits.h>
#include <ferry/log.h>
#include <ferry/result.h>
#include <ferry/spin.h>
#include <ferry/support/service_base.h>
#include <ferry/trust.h>
#include <ferry/unique_fd.h>

struct uv_loop_s;

namespace ferry {

// Where the handlers of a service run.
enum class Executor : std::uint8_t {
  // On the server's worker pool: a handler that blocks delays nobody.
  kPool,
  // On the thread that waits on the call's lane: faster (no hand-over), but a handler that blocks
  // delays every connection of its loop.
  kInline,
};

struct ServiceOptions {
  // Tells two instances of one interface apart; clients name it to Stub's constructor.
  std::string name = {};
  Executor executor = Executor::kPool;
};

struct ServerOptions {
  // Transports that may be offered, as "unix,memfd"; empty: every one that the target's scheme, the
  // machine and the trust in the peer permit.
  std::string allow = {};
  // What clients are trusted with. kDefault: another uid is hostile, our own is not.
  Trust trust = Trust::kDefault;
  // How the loop and the lanes' threads wait before they park.
  Spin spin = Spin::kDefault;
  // Worker threads; 0: one a CPU, at least limits::kPoolThreads.
  std::size_t pool_threads = 0;
  // Calls that may wait for a worker before further ones are RESOURCE_EXHAUSTED.
  std::size_t pool_queue = limits::kPoolQueue;
  // The largest request accepted, in bytes.
  std::size_t message_bytes = limits::kMessageBytes;
  // Clients connected at once; further ones are RESOURCE_EXHAUSTED.
  std::size_t connections = limits::kConnections;
  // Connections whose lane needs a thread of its own (shm); the next such offer is refused.
  std::size_t lane_threads = limits::kLaneThreads;
  // Mode, owner and group of the socket file.
  mode_t mode = 0600;
  std::optional<uid_t> owner = std::nullopt;
  std::optional<gid_t> group = std::nullopt;
  // How long run() lets calls in flight go on after SIGTERM or SIGINT; kNoDeadline: to their ends.
  std::chrono::nanoseconds drain = limits::kDrainTime;
  // Told why a client was turned away or its connection ended. nullptr: nobody is.
  LogSink log = log_to_stderr();
  // A loop of the caller's, which then serves; nullptr: the server runs one of its own. It must
  // outlive the server, and run on for a turn to close what the server had on it. The server must
  // be made, used and destroyed on the loop's thread only, but for stop() and connections().
  uv_loop_s* loop = nullptr;
  // With `loop`, in place of wait(): called once, on the loop's thread, when a stop() has ended and
  // the last handler has returned. It may destroy the server. The destructor does not call it, nor
  // does a stop() before the first listen() or adopt().
  std::function<void()> on_stopped = nullptr;
};

// Thread safety: stop() and connections() may be called from any thread, also while run() or wait()
// blocks; everything else from one at a time. After fork() the child's copy answers
// FAILED_PRECONDITION and touches nothing.
class Server {
 public:
  explicit Server(ServerOptions options = {});
  // As stop(0), and waits for handlers that have not returned. Not inside a handler, nor on a
  // thread of the server's (but see on_stopped).
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Adds a service, before the first listen() or adopt(). It must outlive the server. A second
  // service of the same interface and name makes listen() fail with ALREADY_EXISTS.
  void add(support::ServiceBase& service, ServiceOptions options = {});
  // The same, shared with the server.
  void add(std::shared_ptr<support::ServiceBase> service, ServiceOptions options = {});

  // The whole main of a server: listens at `target`, serves, drains on SIGTERM, SIGINT or stop(),
  // returns OK. Blocks. The two signals' dispositions are changed while it runs. Fails as listen()
  // and start() do, and with FAILED_PRECONDITION when ServerOptions::loop is set.
  Status run(std::string_view target);

  // By hand. Serving begins with start() (or with the user's loop); clients wait in the socket's
  // backlog until then. Once the server was stopped listen(), adopt() and start() are
  // FAILED_PRECONDITION.
  //
  // listen(): the target's socket is there and accepts when it returns. May be called for several
  // targets, before start() or after. INVALID_ARGUMENT for a target or an `allow` that can't be,
  // ALREADY_EXISTS when a live server has the name or two services can't be told apart, NOT_FOUND
  // and PERMISSION_DENIED for the socket's directory, FAILED_PRECONDITION for a runtime directory
  // that is not fit. Does not block, but for the loop's next turn once it runs.
  Status listen(std::string_view target);
  // Serves one connected local stream socket, and takes it in any case: on failure it is closed.
  // OK means that the handshake has begun; how that ends is told to the log. RESOURCE_EXHAUSTED:
  // ServerOptions::connections. INVALID_ARGUMENT: no such socket.
  Status adopt(UniqueFd socket);
  // Starts a thread that serves; at once with ServerOptions::loop. FAILED_PRECONDITION when it runs
  // already, RESOURCE_EXHAUSTED when no thread can be had.
  Status start();
  // Accepts nothing new, tells clients to go away, lets calls in flight end until `wait` is over
  // (kNoDeadline: to their ends), ends the rest as CANCELLED, closes. Blocks until the last handler
  // has returned. Idempotent; called again, the shorter `wait` counts. From a handler, on the
  // loop's thread and with ServerOptions::loop it only begins all that: wait() or on_stopped tells
  // the end.
  Status stop(std::chrono::nanoseconds wait = limits::kDrainTime);
  // Blocks until the server has stopped; returns at once when it was never started. Not in a
  // handler: it would wait for itself. FAILED_PRECONDITION with ServerOptions::loop.
  Status wait();

  // Clients connected at this moment.
  [[nodiscard]] std::size_t connections() const;

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace ferry
