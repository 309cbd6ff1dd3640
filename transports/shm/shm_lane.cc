#include "transports/shm/shm_lane.h"

#include <algorithm>
#include <utility>

#include <ferry/limits.h>

namespace ferry::transports::shm {

Result<std::unique_ptr<Lane>> ShmLane::create(sys::SharedMapping mapping, std::size_t ring_bytes,
                                              ring::Side side, UniqueFd& control) {
  Result<sys::PeerWatch> watch = sys::PeerWatch::create(control.get());
  if (!watch) return watch.status();
  std::unique_ptr<ShmLane> lane(
      new ShmLane(std::move(mapping), ring_bytes, side, std::move(control), std::move(*watch)));
  lane->watch_.on_gone([raw = lane.get()] { raw->hang_up(); });
  return std::unique_ptr<Lane>(std::move(lane));
}

ShmLane::ShmLane(sys::SharedMapping mapping, std::size_t ring_bytes, ring::Side side,
                 UniqueFd control, sys::PeerWatch watch)
    : RingLane("shm", std::move(mapping), ring_bytes, side, std::move(control)),
      own_(view().server() ? bells_of(*view().control).server : bells_of(*view().control).client),
      peer_(view().server() ? bells_of(*view().control).client : bells_of(*view().control).server),
      watch_(std::move(watch)) {}

ShmLane::~ShmLane() {
  watch_.reset();
  say_goodbye();
}

// A post fails only where the value is at its maximum, and then nobody sleeps on it.
void ShmLane::ring(bool reader, bool writer) noexcept {
  if (reader) ::sem_post(&peer_.reader);
  if (writer) ::sem_post(&peer_.writer);
}

ShmLane::Woken ShmLane::park(Half half, TimePoint deadline) {
  const TimePoint until = std::min(deadline, Clock::now() + limits::kSemaphoreSlice);
  switch (wait(half == Half::kReader ? own_.reader : own_.writer, until)) {
    case Waited::kPosted:
      // Whoever wakes us sets its reason, then this; so clearing it comes before we look.
      return woken(half).exchange(false) ? Woken::kLook : Woken::kBell;
    case Waited::kTimedOut:
      return until == deadline ? Woken::kTimedOut : Woken::kLook;
    case Waited::kBroken:
      break;
  }
  fail(Status::invalid_argument("shm: the peer misbehaved: a semaphore is broken"));
  return Woken::kFailed;
}

void ShmLane::wake(Half half) noexcept {
  if (in_forked_child() || woken(half).exchange(true)) return;
  ::sem_post(half == Half::kReader ? &own_.reader : &own_.writer);
}

}  // namespace ferry::transports::shm
