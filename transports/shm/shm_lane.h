// The shm lane: two rings in POSIX shared memory, woken by POSIX semaphores in it.
#pragma once

#include <atomic>
#include <memory>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

#include "transports/ring/ring_lane.h"
#include "transports/shm/semaphores.h"
#include "transports/sys/peer_watcher.h"

namespace ferry::transports::shm {

class ShmLane final : public ring::RingLane {
 public:
  // On failure `control` is left with the caller.
  [[nodiscard]] static Result<std::unique_ptr<Lane>> create(sys::SharedMapping mapping,
                                                            std::size_t ring_bytes, ring::Side side,
                                                            UniqueFd& control);
  ~ShmLane() override;

  [[nodiscard]] WaitMode wait_mode() const noexcept override { return WaitMode::kThread; }
  // Nothing tells of input; the end of the control socket is also watched by the lane itself.
  [[nodiscard]] PollSet poll_set() const noexcept override {
    return {.readable = -1, .writable = -1, .control = control_fd()};
  }

 private:
  ShmLane(sys::SharedMapping mapping, std::size_t ring_bytes, ring::Side side, UniqueFd control,
          sys::PeerWatch watch);

  void ring(bool reader, bool writer) noexcept override;
  Woken park(Half half, TimePoint deadline) override;
  void wake(Half half) noexcept override;

  // One of our own posts for a half at a time, so that interrupts neither pile up nor look like a
  // peer's bells.
  std::atomic<bool>& woken(Half half) noexcept {
    return half == Half::kReader ? reader_woken_ : writer_woken_;
  }

  std::atomic<bool> reader_woken_{false};
  std::atomic<bool> writer_woken_{false};
  Semaphores& own_;
  Semaphores& peer_;
  sys::PeerWatch watch_;
};

}  // namespace ferry::transports::shm
