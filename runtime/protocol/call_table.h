// The calls of one connection: those we started, and those the peer started.
//
// A call id is a slot (low 16 bits) and a generation (high 16 bits) of its starter's table, so that
// finding a call is an array access and a late frame is not taken for one of a newer call. A slot
// is free again when the call's reply came, even if the call was cancelled: so ids in use are never
// more than the limit, on both sides.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/protocol/assembly.h"

namespace ferry::protocol {

inline constexpr std::uint32_t kSlotBits = 16;
[[nodiscard]] constexpr std::uint32_t slot_of(CallId id) noexcept {
  return id & ((std::uint32_t{1} << kSlotBits) - 1);
}
// Slots over the receiver's limit whose calls it answers RESOURCE_EXHAUSTED; what goes beyond them
// ends the connection. A peer that keeps the rules never comes here.
inline constexpr std::uint32_t kRefusedCalls = 64;
inline constexpr std::uint32_t kMostCalls = (std::uint32_t{1} << kSlotBits) - kRefusedCalls;

// Calls we started.
class OutCalls {
 public:
  enum class State : std::uint8_t {
    kFree,
    kWaiting,    // for credit: nothing of it was sent
    kSending,    // a large one, of which not all may be sent
    kSent,       // the reply is to come
    kCancelled,  // the reply is to come, and nobody wants it
  };
  struct Call {
    std::uint16_t generation = 0;
    State state = State::kFree;
    std::unique_ptr<Assembly> reply;  // of a large one, a part of which came
  };

  explicit OutCalls(std::uint32_t limit) : limit_(std::min(limit, kMostCalls)) {}

  // A free slot, taken, or null. `id` is then set.
  Call* add(State state, CallId& id) {
    if (free_.empty()) {
      if (calls_.size() == limit_) return nullptr;
      free_.push_back(static_cast<std::uint16_t>(calls_.size()));
      calls_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    Call& call = calls_[slot];
    ++call.generation;
    call.state = state;
    id = (std::uint32_t{call.generation} << kSlotBits) | slot;
    return &call;
  }
  // The call, or null when it ended.
  [[nodiscard]] Call* find(CallId id) noexcept {
    const std::uint32_t slot = slot_of(id);
    if (slot >= calls_.size()) return nullptr;
    Call& call = calls_[slot];
    return call.state != State::kFree && call.generation == id >> kSlotBits ? &call : nullptr;
  }
  void remove(CallId id, Call& call) {
    call.state = State::kFree;
    free_.push_back(static_cast<std::uint16_t>(slot_of(id)));
  }

  [[nodiscard]] std::uint32_t limit() const noexcept { return limit_; }
  [[nodiscard]] std::size_t in_use() const noexcept { return calls_.size() - free_.size(); }

 private:
  std::uint32_t limit_;
  std::vector<Call> calls_;
  std::vector<std::uint16_t> free_;
};

// Calls the peer started.
class InCalls {
 public:
  enum class State : std::uint8_t {
    kFree,
    kArriving,   // a large one, a part of which came
    kDelivered,  // the event was handed out; reply() is to come
    kAnswered,   // the reply waits for credit
  };
  enum class Refusal : std::uint8_t { kNone, kTooMany, kGoingAway };
  struct Call {
    CallId id = 0;
    State state = State::kFree;
    Refusal refusal = Refusal::kNone;  // answered by the Session, not by its user
    bool cancelled = false;
    std::unique_ptr<Assembly> message;
  };

  explicit InCalls(std::uint32_t limit) : limit_(std::min(limit, kMostCalls)) {}

  // Whether a call may have that id at all.
  [[nodiscard]] bool in_range(CallId id) const noexcept {
    return slot_of(id) < limit_ + kRefusedCalls;
  }
  [[nodiscard]] bool over_limit(CallId id) const noexcept { return slot_of(id) >= limit_; }
  // Takes the id's slot, or null when a call has it already. Precondition: in_range(id).
  Call* add(CallId id) {
    const std::uint32_t slot = slot_of(id);
    if (slot >= calls_.size()) calls_.resize(slot + 1);
    Call& call = calls_[slot];
    if (call.state != State::kFree) return nullptr;
    call.id = id;
    call.refusal = Refusal::kNone;
    call.cancelled = false;
    return &call;
  }
  [[nodiscard]] Call* find(CallId id) noexcept {
    const std::uint32_t slot = slot_of(id);
    if (slot >= calls_.size()) return nullptr;
    Call& call = calls_[slot];
    return call.state != State::kFree && call.id == id ? &call : nullptr;
  }

  [[nodiscard]] std::uint32_t limit() const noexcept { return limit_; }

 private:
  std::uint32_t limit_;
  std::vector<Call> calls_;
};

}  // namespace ferry::protocol
