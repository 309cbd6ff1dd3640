// The lane of `unix:`: one stream socket for bytes, descriptors and the peer's death.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

#include "transports/lane.h"
#include "transports/sys/descriptor_queue.h"
#include "transports/sys/interrupter.h"
#include "transports/sys/lane_end.h"
#include "transports/sys/refusals.h"
#include "transports/sys/scm.h"

namespace ferry::transports {

// Descriptors ride on the sendmsg of their frame's first byte. The kernel hands out bytes before
// them in the same recvmsg, never bytes behind them, so batches come one a call and in order
// (unix(7)).
//
// Parking costs one system call: a recvmsg that blocks, for kBlockingSlice at most (SO_RCVTIMEO,
// set once). Only a wait that lasts longer, or whose deadline is nearer, polls: together with the
// interrupter, until its exact deadline. So an interrupt of a reader that has just parked takes up
// to a slice, every other one none; and while writes are blocked, when other threads do interrupt
// the reader, it polls from the start.
class UnixLane final : public Lane {
 public:
  // Who parks in it. An event loop makes the socket non-blocking, and needs no more.
  enum class Side : bool { kServer, kClient };
  // On failure `socket` is left with the caller.
  [[nodiscard]] static Result<std::unique_ptr<Lane>> make(Side side, UniqueFd& socket);

  [[nodiscard]] std::string_view transport() const noexcept override { return "unix"; }
  [[nodiscard]] WaitMode wait_mode() const noexcept override { return WaitMode::kDescriptor; }

  [[nodiscard]] IoResult write(std::span<const iovec> bytes,
                               std::span<const int> descriptors) override;
  [[nodiscard]] IoResult wait_writable(TimePoint deadline) override;
  [[nodiscard]] IoResult read(std::span<std::byte> into) override;
  [[nodiscard]] IoResult read_parked(std::span<std::byte> into, TimePoint deadline) override;
  [[nodiscard]] Status take_descriptors(std::size_t count, std::vector<UniqueFd>& into) override;
  [[nodiscard]] bool descriptors_left() const noexcept override { return !queue_.empty(); }
  [[nodiscard]] PollSet poll_set() const noexcept override;
  // At its end there is nothing more to wait for, only to read.
  [[nodiscard]] bool arm() override { return !end_.gone(); }
  [[nodiscard]] bool descriptors_blocked() const noexcept override { return refusals_.active(); }
  [[nodiscard]] IoResult on_control_readable() override;
  void interrupt() noexcept override { interrupter_.interrupt(); }
  void hang_up() noexcept override;
  [[nodiscard]] Status failure() const override { return end_.why(); }

 private:
  UnixLane(Side side, UniqueFd socket) noexcept;

  IoResult receive(std::span<std::byte> into, sys::Wait wait);
  IoResult keep_batch(std::vector<UniqueFd> batch, const sys::SocketIo& io);
  [[nodiscard]] bool may_block(TimePoint deadline) noexcept;
  [[nodiscard]] Io park(short events, TimePoint deadline);

  UniqueFd socket_;
  const bool blocking_;  // the socket blocks, for kBlockingSlice at most
  sys::LaneEnd end_;
  sys::Interrupter interrupter_;
  sys::DescriptorRefusals refusals_;
  // A write was blocked: so many of the next parks poll, to be interruptible at once.
  std::atomic<int> polling_parks_{0};
  sys::DescriptorQueue queue_;  // reading half
};

}  // namespace ferry::transports
