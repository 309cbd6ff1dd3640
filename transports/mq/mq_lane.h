// The lane of `mq:`.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include <ferry/limits.h>
#include <ferry/unique_fd.h>

#include "transports/lane.h"
#include "transports/mq/queue_pair.h"
#include "transports/sys/polled_lane.h"

namespace ferry::transports {

// The stream of bytes is cut into messages; a boundary means nothing. A queue never tells of the
// peer's end: that comes from the control socket.
class MqLane final : public sys::PolledLane {
 public:
  MqLane(QueueEnds ends, UniqueFd control) noexcept;

  [[nodiscard]] std::string_view transport() const noexcept override { return "mq"; }

 private:
  static constexpr auto kMessageBytes = static_cast<std::size_t>(limits::kQueueMessageBytes);

  [[nodiscard]] IoResult put(std::span<const iovec> bytes) override;
  [[nodiscard]] IoResult get(std::span<std::byte> into) override;
  [[nodiscard]] bool holds_input() const noexcept override { return kept_at_ < kept_size_; }
  IoResult receive(std::span<std::byte> into);
  IoResult take_kept(std::span<std::byte> into) noexcept;

  QueueEnds ends_;
  std::array<std::byte, kMessageBytes> outgoing_;  // a message put together from several pieces
  std::array<std::byte, kMessageBytes> kept_;      // a message larger than the reader's buffer
  std::size_t kept_at_ = 0;
  std::size_t kept_size_ = 0;
};

}  // namespace ferry::transports
