#include "transports/mq/mq_lane.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mqueue.h>
#include <time.h>
#include <utility>

namespace ferry::transports {

namespace {

// A time long past: such a call never waits, even if the peer could clear O_NONBLOCK of our end.
// (The clock of mq_timed* is CLOCK_REALTIME, so a time of any other kind is of no use.)
constexpr timespec kDontWait{0, 0};

bool would_block(int error) { return error == EAGAIN || error == ETIMEDOUT; }

// Walks over the bytes of several buffers.
class Cursor {
 public:
  explicit Cursor(std::span<const iovec> parts) noexcept : parts_(parts) { skip_empty(); }

  [[nodiscard]] bool at_end() const noexcept { return parts_.empty(); }
  // What lies in one piece here.
  [[nodiscard]] std::span<const std::byte> piece() const noexcept {
    return {static_cast<const std::byte*>(parts_[0].iov_base) + at_, parts_[0].iov_len - at_};
  }
  [[nodiscard]] bool last() const noexcept { return parts_.size() == 1; }
  void advance(std::size_t count) noexcept {
    at_ += count;
    if (at_ == parts_[0].iov_len) {
      parts_ = parts_.subspan(1);
      at_ = 0;
      skip_empty();
    }
  }

 private:
  void skip_empty() noexcept {
    while (!parts_.empty() && parts_[0].iov_len == 0) parts_ = parts_.subspan(1);
  }
  std::span<const iovec> parts_;
  std::size_t at_ = 0;
};

}  // namespace

MqLane::MqLane(QueueEnds ends, UniqueFd control) noexcept
    : PolledLane(std::move(control), ends.read.get(), ends.write.get()), ends_(std::move(ends)) {}

IoResult MqLane::put(std::span<const iovec> bytes) {
  std::size_t total = 0;
  Cursor from(bytes);
  while (!from.at_end()) {
    Cursor next = from;
    std::span<const std::byte> message = next.piece();
    if (message.size() >= ends_.write_bytes || next.last()) {
      message = message.first(std::min(message.size(), ends_.write_bytes));
      next.advance(message.size());
    } else {
      std::size_t size = 0;
      while (!next.at_end() && size < ends_.write_bytes) {
        const auto piece = next.piece();
        const std::size_t count = std::min(piece.size(), ends_.write_bytes - size);
        std::memcpy(outgoing_.data() + size, piece.data(), count);
        size += count;
        next.advance(count);
      }
      message = std::span(outgoing_).first(size);
    }
    if (::mq_timedsend(ends_.write.get(), reinterpret_cast<const char*>(message.data()),
                       message.size(), 0, &kDontWait) != 0) {
      if (errno == EINTR) continue;
      if (would_block(errno)) break;
      return {end_.fail(Status::from_errno(errno, "write to the lane's queue"))};
    }
    total += message.size();
    from = next;
  }
  return total > 0 ? IoResult{Io::kDone, total} : IoResult{Io::kWouldBlock};
}

IoResult MqLane::get(std::span<std::byte> into) {
  if (holds_input()) return take_kept(into);
  if (into.size() >= kMessageBytes) return receive(into);
  const IoResult io = receive(kept_);
  if (io.outcome != Io::kDone) return io;
  kept_at_ = 0;
  kept_size_ = io.bytes;
  return take_kept(into);
}

IoResult MqLane::take_kept(std::span<std::byte> into) noexcept {
  const std::size_t count = std::min(into.size(), kept_size_ - kept_at_);
  std::memcpy(into.data(), kept_.data() + kept_at_, count);
  kept_at_ += count;
  return {Io::kDone, count};
}

IoResult MqLane::receive(std::span<std::byte> into) {
  for (;;) {
    const ssize_t count = ::mq_timedreceive(ends_.read.get(), reinterpret_cast<char*>(into.data()),
                                            into.size(), nullptr, &kDontWait);
    if (count > 0) return {Io::kDone, static_cast<std::size_t>(count)};
    if (count == 0) {  // a lane never sends one; skipping them could take for ever
      return {end_.fail(Status::invalid_argument("the peer sent an empty message on its queue"))};
    }
    if (would_block(errno)) return {Io::kWouldBlock};
    if (errno != EINTR) {
      return {end_.fail(Status::from_errno(errno, "read from the lane's queue"))};
    }
  }
}

}  // namespace ferry::transports
