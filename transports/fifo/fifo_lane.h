// The lane of `fifo:`.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include <ferry/unique_fd.h>

#include "transports/fifo/fifo_ends.h"
#include "transports/fifo/wakeable_reader.h"
#include "transports/lane.h"
#include "transports/sys/polled_lane.h"

namespace ferry::transports {

// Parking without a deadline costs one system call, a blocking read, where this side has a blocking
// end and can wake it; else a poll and a read.
class FifoLane final : public sys::PolledLane {
 public:
  FifoLane(FifoEnds ends, UniqueFd control) noexcept;

  [[nodiscard]] std::string_view transport() const noexcept override { return "fifo"; }
  [[nodiscard]] IoResult read_parked(std::span<std::byte> into, TimePoint deadline) override;
  void interrupt() noexcept override;
  void hang_up() noexcept override;

 private:
  [[nodiscard]] IoResult put(std::span<const iovec> bytes) override;
  [[nodiscard]] IoResult get(std::span<std::byte> into) override;
  [[nodiscard]] bool holds_input() const noexcept override;
  IoResult read_blocking(std::span<std::byte> into);
  void wake_reader() noexcept;

  UniqueFd read_;
  UniqueFd write_;
  UniqueFd spare_;
  std::unique_ptr<WakeableReader> reader_;
};

}  // namespace ferry::transports
