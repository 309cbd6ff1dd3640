#include "transports/memfd/memfd_lane.h"

#include <cerrno>
#include <utility>

namespace ferry::transports::memfd {

Result<std::unique_ptr<Lane>> MemfdLane::create(sys::SharedMapping mapping, std::size_t ring_bytes,
                                                ring::Side side, Bell bell, UniqueFd& control) {
  std::unique_ptr<Parker> reader;
  if (side == ring::Side::kClient) {
    Result<std::unique_ptr<Parker>> parker =
        Parker::create(bell.fd(), control.get(), Parker::Control::kLevel);
    if (!parker) return parker.status();
    reader = std::move(*parker);
  }
  return std::unique_ptr<Lane>(new MemfdLane(std::move(mapping), ring_bytes, side, std::move(bell),
                                             std::move(control), std::move(reader)));
}

MemfdLane::MemfdLane(sys::SharedMapping mapping, std::size_t ring_bytes, ring::Side side, Bell bell,
                     UniqueFd control, std::unique_ptr<Parker> reader)
    : RingLane("memfd", std::move(mapping), ring_bytes, side, std::move(control)),
      bell_(std::move(bell)) {
  reader_.owned = std::move(reader);
  reader_.parker.store(reader_.owned.get(), std::memory_order_release);
}

// One bell is heard by both halves.
void MemfdLane::ring(bool /*reader*/, bool /*writer*/) noexcept {
  if (!bell_.ring()) hang_up();
}

bool MemfdLane::make_parker(Half half) {
  const auto control = half == Half::kReader ? Parker::Control::kLevel : Parker::Control::kEdge;
  Result<std::unique_ptr<Parker>> parker = Parker::create(bell_.fd(), control_fd(), control);
  if (!parker) {
    fail(parker.status());
    return false;
  }
  sleep(half).owned = std::move(*parker);
  sleep(half).parker.store(sleep(half).owned.get(), std::memory_order_seq_cst);
  return true;
}

MemfdLane::Woken MemfdLane::park(Half half, TimePoint deadline) {
  Sleep& self = sleep(half);
  if (!self.owned) {
    // Whoever wanted to wake us until now saw no parker: look again before sleeping.
    return make_parker(half) ? Woken::kLook : Woken::kFailed;
  }
  if (bell_.most_uncleared() != 0 && sleeps() >= bell_.most_uncleared()) {
    // Room for the rings to come. One that is cleared here may have been for this sleep, or for the
    // other half's: so both look again.
    forget_sleeps();
    if (!bell_.clear()) hang_up();
    wake(half == Half::kReader ? Half::kWriter : Half::kReader);
    return Woken::kLook;
  }
  const Parker::Woken woken = self.owned->park(deadline);
  switch (woken) {
    case Parker::Woken::kBell:
      return Woken::kBell;
    case Parker::Woken::kWoken:
      return Woken::kLook;
    case Parker::Woken::kControl:
      return Woken::kControl;
    case Parker::Woken::kTimedOut:
      return Woken::kTimedOut;
    case Parker::Woken::kFailed:
      break;
  }
  fail(Status::from_errno(errno, "memfd: waiting for the doorbell"));
  return Woken::kFailed;
}

void MemfdLane::wake(Half half) noexcept {
  if (Parker* parker = sleep(half).parker.load(std::memory_order_seq_cst); parker != nullptr) {
    parker->wake();
  }
}

void MemfdLane::clear_bell() {
  if (!bell_.clear()) {
    hang_up();
    return;
  }
  forget_sleeps();
  count_empty_bell();
  // An edge that the writing half has not seen yet may just have been cleared away.
  wake(Half::kWriter);
}

}  // namespace ferry::transports::memfd
