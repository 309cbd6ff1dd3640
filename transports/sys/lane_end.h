// LaneEnd: whether and why a lane is at its end.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include <ferry/status.h>

#include "transports/lane.h"

namespace ferry::transports::sys {

// The first failure stays; a peer that is gone may still turn into a failure (what it left behind
// may break the rules). Thread safety: all.
class LaneEnd {
 public:
  // The peer is gone. What it sent may still be read.
  void set_gone() noexcept {
    State open = State::kOpen;
    state_.compare_exchange_strong(open, State::kGone);
  }
  [[nodiscard]] bool gone() const noexcept { return state_.load() != State::kOpen; }
  [[nodiscard]] bool failed() const noexcept { return state_.load() == State::kFailed; }

  // Returns kFailed, for `return end_.fail(...)`.
  Io fail(Status why) {
    const std::lock_guard lock(mutex_);
    if (status_.ok()) status_ = std::move(why);
    state_ = State::kFailed;
    return Io::kFailed;
  }

  // What an operation that found nothing to move says. `was_gone` was read before it looked: what
  // the peer wrote before it went is seen by a look that follows.
  [[nodiscard]] static Io nothing(bool was_gone) noexcept {
    return was_gone ? Io::kClosed : Io::kWouldBlock;
  }

  // Lane::failure().
  [[nodiscard]] Status why() const {
    if (state_.load() == State::kOpen) return {};
    const std::lock_guard lock(mutex_);
    return status_.ok() ? Status::unavailable("the peer closed the connection") : status_;
  }

 private:
  enum class State : std::uint8_t { kOpen, kGone, kFailed };
  std::atomic<State> state_{State::kOpen};
  mutable std::mutex mutex_;
  Status status_;
};

}  // namespace ferry::transports::sys
