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
  Spin spin = Spin::kDefault;
  // Worker threads; 0: one a CPU, at least limits::kPoolThreads.
  std::size_t pool_threads = 0;
  // Calls that may wait for a worker before further ones are RESOURCE_EXHAUSTED.
  std::size_t pool_queue = limits::kPoolQueue;
  // The largest request accepted, in bytes.
  std::size_t message_bytes = limits::kMessageBytes;
  std::size_t connections = limits::kConnections;
  // Connections whose lane needs a thread of its own (shm); the next such offer is refused.
  std::size_t lane_threads = limits::kLaneThreads;
  // Mode, owner and group of the socket file.
  mode_t mode = 0600;
  std::optional<uid_t> owner = std::nullopt;
  std::optional<gid_t> group = std::nullopt;
  // How long run() lets calls in flight go on after SIGTERM or SIGINT.
  std::chrono::nanoseconds drain = limits::kDrainTime;
  LogSink log = log_to_stderr();
  // A loop of the caller's, which then serves; nullptr: the server runs one of its own. It must
  // outlive the server, which must be used from the loop's thread only (but for stop()).
  uv_loop_s* loop = nullptr;
};

// Thread safety: stop() may be called from any thread; everything else from one at a time.
class Server {
 public:
  explicit Server(ServerOptions options = {});
  ~Server();  // as stop(0)
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Adds a service, before the first listen() or adopt(). It must outlive the server. A second
  // service of the same interface and name makes listen() fail with ALREADY_EXISTS.
  void add(support::ServiceBase& service, ServiceOptions options = {});
  // The same, shared with the server.
  void add(std::shared_ptr<support::ServiceBase> service, ServiceOptions options = {});

  // The whole main of a server: listens at `target`, serves, drains on SIGTERM or SIGINT, returns.
  // Blocks. The two signals' dispositions are changed while it runs.
  Status run(std::string_view target);

  // By hand. listen(): the target's socket is there and accepts when it returns. May be called for
  // several targets. adopt(): serves one connected socket. Serving begins with start() (or with the
  // user's loop); sockets wait in their backlog until then.
  Status listen(std::string_view target);
  Status adopt(UniqueFd socket);
  Status start();
  // Accepts nothing new, tells clients to go away, lets calls in flight end until `wait` is over,
  // ends the rest as cancelled, closes. Idempotent. From a handler or from the loop's thread it
  // only begins that: wait() ends when it is done.
  Status stop(std::chrono::nanoseconds wait = limits::kDrainTime);
  // Blocks until the server has stopped.
  Status wait();

  // Connections at this moment.
  [[nodiscard]] std::size_t connections() const;

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace ferry
