// PolledLane: what lanes have in common whose bytes come through one pollable descriptor and go
// through another, beside a control socket.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

#include "transports/lane.h"
#include "transports/sys/control_socket.h"
#include "transports/sys/interrupter.h"
#include "transports/sys/lane_end.h"

namespace ferry::transports::sys {

// A parked read costs two system calls: a poll for data, the control socket, the interrupter and
// the deadline, and the read.
class PolledLane : public Lane {
 public:
  [[nodiscard]] WaitMode wait_mode() const noexcept final { return WaitMode::kDescriptor; }

  [[nodiscard]] IoResult write(std::span<const iovec> bytes,
                               std::span<const int> descriptors) final;
  [[nodiscard]] IoResult wait_writable(TimePoint deadline) final;
  [[nodiscard]] IoResult read(std::span<std::byte> into) final;
  [[nodiscard]] IoResult read_parked(std::span<std::byte> into, TimePoint deadline) override;
  [[nodiscard]] Status take_descriptors(std::size_t count, std::vector<UniqueFd>& into) final;
  [[nodiscard]] PollSet poll_set() const noexcept final;
  // At its end there is nothing more to wait for, only to read.
  [[nodiscard]] bool arm() final { return !holds_input() && !end_.gone(); }
  [[nodiscard]] bool descriptors_blocked() const noexcept final { return control_.refused(); }
  [[nodiscard]] IoResult on_control_readable() final { return {control_.on_readable()}; }
  void interrupt() noexcept override { interrupter_.interrupt(); }
  void hang_up() noexcept override;
  [[nodiscard]] Status failure() const final { return end_.why(); }

 protected:
  // Both descriptors belong to the derived class.
  PolledLane(UniqueFd control, int readable, int writable) noexcept
      : control_(std::move(control), end_), readable_(readable), writable_(writable) {}

  // Moves what can be moved now. kClosed: the mechanism itself says that the peer is gone.
  [[nodiscard]] virtual IoResult put(std::span<const iovec> bytes) = 0;
  [[nodiscard]] virtual IoResult get(std::span<std::byte> into) = 0;
  // Whether get() has bytes that polling does not show. Reading half.
  [[nodiscard]] virtual bool holds_input() const noexcept { return false; }

  LaneEnd end_;
  ControlSocket control_;
  Interrupter interrupter_;

 private:
  [[nodiscard]] Io park(bool for_room, TimePoint deadline);

  const int readable_;
  const int writable_;
};

}  // namespace ferry::transports::sys
