// ServerConnection: the server's end of one connection, whoever waits for its lane.
//
// One thread at a time is its reader (the loop, or the lane's own thread) and calls take_input(). A
// call runs there (inline services) or on a worker; its reply is encoded and written by the thread
// that ran it, and only what does not fit is left to the reader.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <ferry/server_context.h>
#include <ferry/support/raw_message.h>
#include <ferry/trust.h>

#include "runtime/drivers/copy_buffer.h"
#include "runtime/drivers/link.h"
#include "runtime/drivers/service_table.h"
#include "runtime/drivers/worker_pool.h"

namespace ferry::drivers {

class ServerConnection;

// Whether the calling thread is inside a handler: it must not wait for handlers to end.
[[nodiscard]] bool inside_handler() noexcept;

// One call being served, with all the memory it needs; reused, so that a steady state allocates
// nothing. What a handler sees of it is a ServerContext.
class ServerCall final : public ServerContext, public WorkerPool::Task {
 public:
  [[nodiscard]] const Peer& peer() const override;
  [[nodiscard]] transports::TimePoint deadline() const override { return deadline_; }
  [[nodiscard]] bool cancelled() const override;
  [[nodiscard]] std::string_view transport() const override;
  [[nodiscard]] std::string_view method() const override;

  void run() noexcept override;  // serves and answers; the call is recycled afterwards

 private:
  friend class ServerConnection;

  // Copies a request out of the reader's input, which the next read overwrites.
  void keep_body();

  std::shared_ptr<ServerConnection> connection_;
  const Registration* registration_ = nullptr;
  protocol::CallId id_ = 0;
  protocol::CallHead head_;
  transports::TimePoint deadline_ = transports::kNever;
  std::atomic<bool> cancelled_{false};
  support::WireMessage request_;
  std::uint32_t cost_ = 0;
  bool descriptors_ = false;
  bool answered_ = false;  // by cancel_calls(); guarded by the connection's lock
  CopyBuffer small_;
  std::unique_ptr<std::uint64_t[]> large_;
  std::optional<support::RawReader> reader_;
  std::optional<support::RawBuilder> builder_;
  ServerCall* next_ = nullptr;  // in the connection's list of active or of free calls
  ServerCall* previous_ = nullptr;
};

// Thread safety: as each member says. Kept by shared_ptr: calls being served keep it alive.
class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  // What a connection needs of its server; outlives it.
  struct Environment {
    const ServiceTable& services;
    WorkerPool& pool;
  };

  // `room_wanted` is called, from any thread and under the lock, when output became blocked or the
  // lane takes no more: the reader must then wait for room and call flush(), or find the end. It
  // must not block.
  ServerConnection(std::unique_ptr<transports::Lane> lane,
                   const protocol::Session::Options& options, Peer peer,
                   const Environment& environment, std::function<void()> room_wanted);
  ~ServerConnection();

  [[nodiscard]] Link& link() noexcept { return link_; }
  [[nodiscard]] const Peer& peer() const noexcept { return peer_; }
  [[nodiscard]] std::string_view transport() const noexcept { return transport_; }

  // reader. Deals with what was read into link().input(): serves, queues, answers. False when the
  // connection has ended (link().end() says why).
  bool take_input();
  // reader. Writes blocked output. False as above.
  bool flush();
  // reader. The lane said kClosed or kFailed.
  void lane_ended(transports::Io outcome);

  // any thread. Why the connection ended, and whether only because the peer left: everyday, unlike
  // one that broke the protocol.
  [[nodiscard]] Status end(bool& peer_left);
  // any thread. Tells the peer that no new call is accepted.
  void say_goodbye(const Status& why);
  // any thread. The peer is gone: nobody waits for the answers any more.
  void abandon_calls();
  // any thread. Answers every call in flight with `why`; what their handlers still say is dropped.
  void cancel_calls(const Status& why);
  [[nodiscard]] std::size_t calls_in_flight();
  // any thread. Whether every answer is on its way: no call in flight or half arrived, no reply
  // waiting for room or credit.
  [[nodiscard]] bool drained();

 private:
  friend class ServerCall;

  [[nodiscard]] ServerCall& accept(protocol::Event& event);  // lock
  // Whether a worker has it; else it was answered, and the reply is flushed if `flush_now`.
  bool serve(ServerCall& call, bool flush_now);
  [[nodiscard]] Status dispatch(ServerCall& call);
  [[nodiscard]] static Status judged(const ServerCall& call, Status status);
  void answer(ServerCall& call, const Status& status, bool flush_now);
  void send_reply(ServerCall& call, const Status& status);  // lock
  void unlink(ServerCall& call);                            // lock
  void retire(ServerCall& call);                            // lock
  void flush_unless_blocked();                              // lock
  void write_output();                                      // lock, reader or output not blocked

  const std::string_view transport_;
  const Peer peer_;
  const Environment environment_;
  const std::function<void()> room_wanted_;
  Link link_;
  std::atomic<bool> gone_{false};  // nobody waits for any answer
  // Below: guarded by link_.mutex.
  ServerCall* active_ = nullptr;
  ServerCall* free_ = nullptr;
  std::size_t active_count_ = 0;
  std::size_t free_count_ = 0;
  bool peer_left_ = false;
};

}  // namespace ferry::drivers
