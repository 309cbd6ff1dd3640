// ClientConnection: the blocking driver of a client's connection.
//
// Calls run on their callers' threads. Whoever waits first becomes the reader and reads for all;
// when its own answer is there it hands the role to another waiter. So there is no hidden thread,
// and a single caller pays no hand-over.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <string_view>

#include <ferry/spin.h>
#include <ferry/status.h>
#include <ferry/support/wire_message.h>

#include "runtime/drivers/adaptive_spin.h"
#include "runtime/drivers/link.h"

namespace ferry::drivers {

// Thread safety: any number of threads. Kept by shared_ptr: replies that are still held keep it
// alive.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  // How a call ended, and whose word that is.
  struct Outcome {
    Status status;
    bool from_peer = false;  // the server answered so
    bool sent = true;        // false: the server cannot have seen the call
  };

  ClientConnection(std::unique_ptr<transports::Lane> lane,
                   const protocol::Session::Options& options, Spin spin);
  ~ClientConnection();

  // Makes one call and waits for its end, until `deadline`. Blocks. `reply` is filled when OK.
  [[nodiscard]] Outcome call(const protocol::CallHead& head, protocol::OutgoingMessage message,
                             transports::TimePoint deadline, support::WireMessage& reply);

  // Whether new calls may be started: the connection lives and the server has not said goodbye.
  [[nodiscard]] bool usable() const noexcept { return usable_.load(std::memory_order_acquire); }
  [[nodiscard]] std::string_view transport() const noexcept { return transport_; }

  // Waits until no call is in flight, or `deadline`; then ends the rest with `why`.
  // Returns whether any had to be ended. Blocks.
  bool close(transports::TimePoint deadline, const Status& why);

  // Whether it belongs to another process, which this one was forked from.
  [[nodiscard]] bool in_forked_child() const noexcept;

 private:
  struct Pending;
  class Reply;

  void insert(Pending& call);
  void remove(Pending& call);
  [[nodiscard]] Pending* find(protocol::CallId id);
  [[nodiscard]] Outcome ended(bool sent) const;  // lock. How a call ends with the connection
  // Reads for all until `call` is done, `deadline` passed or the connection ended.
  void read_for(Pending& call, transports::TimePoint deadline, std::unique_lock<std::mutex>& lock);
  void take_events();
  void take_reply(protocol::Event& event);
  void end_all(Status why);
  Link::Flush flush_or_wake_reader();
  // After a pause nobody was reading: has the server left meanwhile?
  void look_after_pause();
  void hand_over();
  void recycle(Reply* reply) noexcept;

  static constexpr std::size_t kBuckets = 64;

  const std::string_view transport_;
  const std::uint32_t fork_generation_;
  Link link_;
  AdaptiveSpin spin_;               // the reader's
  std::atomic<bool> usable_{true};  // so that a call need not take the lock to ask
  // Below: guarded by link_.mutex.
  std::array<Pending*, kBuckets> pending_{};  // by call id
  std::size_t pending_count_ = 0;
  std::condition_variable idle_;  // pending_count_ became 0
  bool reading_ = false;          // somebody is the reader
  std::int64_t last_used_ = 0;    // coarse monotonic time of the last call, ns
  Reply* free_replies_ =
      nullptr;  // kept for the next calls, so that a steady state allocates nothing
  std::size_t free_count_ = 0;
};

}  // namespace ferry::drivers
