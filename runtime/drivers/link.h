// Link: a connection's lane and protocol state, and the lock that guards them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include <ferry/status.h>

#include "runtime/drivers/input_buffer.h"
#include "runtime/protocol/session.h"
#include "transports/lane.h"

namespace ferry::drivers {

// Both ends of a connection are built on one. Members say who may touch them:
// - "lock": with `mutex` held. It is never held across a call that can block, nor while user code
//   runs.
// - "reader": the one thread that is in the lane's reading half at the time.
class Link {
 public:
  enum class Flush : std::uint8_t {
    kDone,     // everything that may be sent now was sent
    kBlocked,  // the lane is full: whoever waits must wait for room as well
    kEnded,    // the lane is gone; end() says why
  };

  Link(std::unique_ptr<transports::Lane> lane, const protocol::Session::Options& options);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  std::mutex mutex;

  // lock
  [[nodiscard]] protocol::Session& session() noexcept { return session_; }
  // lock. Writes what the session has, without blocking. The only caller of Lane::write().
  Flush flush();
  // Output is waiting for room in the lane. Any thread; changes under the lock.
  [[nodiscard]] bool blocked() const noexcept { return blocked_.load(std::memory_order_relaxed); }
  // lock. Why the connection ended; OK while it lives.
  [[nodiscard]] const Status& end() const noexcept { return end_; }
  // lock. Ends the connection; the first reason stays.
  void end_with(Status why);
  // lock. The same, because of Lane::descriptors_left().
  void end_undeclared();

  // reader
  [[nodiscard]] InputBuffer& input() noexcept { return input_; }
  // reader and lock. The next event of `rest` (see Session::next), descriptors included. Any
  // failure ends the connection.
  [[nodiscard]] bool next_event(protocol::Bytes& rest, protocol::Event& event);

  [[nodiscard]] transports::Lane& lane() noexcept { return *lane_; }
  // The Status that `outcome`, kClosed or kFailed, of this lane stands for.
  [[nodiscard]] Status lane_end(transports::Io outcome) const;

 private:
  std::unique_ptr<transports::Lane> lane_;
  protocol::Session session_;
  protocol::DescriptorSource source_;
  protocol::Output output_;  // kept, so that no flush allocates
  InputBuffer input_;
  Status end_;
  std::atomic<bool> blocked_{false};
};

}  // namespace ferry::drivers
