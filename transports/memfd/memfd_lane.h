// The memfd lane: two rings in sealed memory, woken by descriptors.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

#include "transports/memfd/bell.h"
#include "transports/memfd/parker.h"
#include "transports/ring/ring_lane.h"

namespace ferry::transports::memfd {

class MemfdLane final : public ring::RingLane {
 public:
  // The client's reader makes its parker at once, so that a full descriptor table shows at set-up;
  // a server's loop needs none. On failure `control` is left with the caller.
  [[nodiscard]] static Result<std::unique_ptr<Lane>> create(sys::SharedMapping mapping,
                                                            std::size_t ring_bytes, ring::Side side,
                                                            Bell bell, UniqueFd& control);
  ~MemfdLane() override { say_goodbye(); }

  [[nodiscard]] WaitMode wait_mode() const noexcept override { return WaitMode::kDescriptor; }
  [[nodiscard]] PollSet poll_set() const noexcept override {
    return {.readable = bell_.fd(), .writable = -1, .control = control_fd()};
  }
  void clear_bell() override;

 private:
  MemfdLane(sys::SharedMapping mapping, std::size_t ring_bytes, ring::Side side, Bell bell,
            UniqueFd control, std::unique_ptr<Parker> reader);

  void ring(bool reader, bool writer) noexcept override;
  Woken park(Half half, TimePoint deadline) override;
  void wake(Half half) noexcept override;

  // One a half, made when that half first parks; deleted by the destructor only.
  struct Sleep {
    std::unique_ptr<Parker> owned;
    std::atomic<Parker*> parker{nullptr};  // `owned`, for the other threads
  };
  Sleep& sleep(Half half) noexcept { return half == Half::kReader ? reader_ : writer_; }
  bool make_parker(Half half);

  Bell bell_;
  Sleep reader_;
  Sleep writer_;
};

}  // namespace ferry::transports::memfd
