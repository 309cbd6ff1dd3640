#include "transports/fifo/fifo_lane.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace ferry::transports {

FifoLane::FifoLane(FifoEnds ends, UniqueFd control) noexcept
    : PolledLane(std::move(control), ends.read.get(), ends.write.get()),
      read_(std::move(ends.read)),
      write_(std::move(ends.write)),
      spare_(std::move(ends.spare)) {
  if (ends.read_blocking) reader_ = WakeableReader::make(std::move(ends.read_blocking));
}

IoResult FifoLane::put(std::span<const iovec> bytes) {
  for (;;) {
    const ssize_t written =
        bytes.size() == 1
            ? ::write(write_.get(), bytes[0].iov_base, bytes[0].iov_len)
            : ::writev(write_.get(), bytes.data(),
                       static_cast<int>(std::min<std::size_t>(bytes.size(), IOV_MAX)));
    if (written > 0) return {Io::kDone, static_cast<std::size_t>(written)};
    if (written == 0 || errno == EAGAIN) return {Io::kWouldBlock};
    if (errno != EINTR) return {end_.fail(Status::from_errno(errno, "write to the lane's FIFO"))};
  }
}

IoResult FifoLane::get(std::span<std::byte> into) {
  for (;;) {
    if (reader_ && reader_->unsettled()) {
      const IoResult io = reader_->read_around(read_.get(), into);
      if (io.outcome != Io::kFailed) return io;
    } else {
      const ssize_t count = ::read(read_.get(), into.data(), into.size());
      if (count > 0) return {Io::kDone, static_cast<std::size_t>(count)};
      // All writers are closed: there was one before this lane existed, so the peer is gone.
      if (count == 0) return {Io::kClosed};
      if (errno == EAGAIN) return {Io::kWouldBlock};
      if (errno == EINTR) continue;
    }
    return {end_.fail(Status::from_errno(errno, "read from the lane's FIFO"))};
  }
}

bool FifoLane::holds_input() const noexcept { return reader_ && reader_->holds_input(); }

IoResult FifoLane::read_parked(std::span<std::byte> into, TimePoint deadline) {
  if (!reader_ || deadline != kNever) return PolledLane::read_parked(into, deadline);
  return read_blocking(into);
}

IoResult FifoLane::read_blocking(std::span<std::byte> into) {
  for (;;) {
    reader_->enter();
    if (interrupter_.pending() || end_.gone()) {
      reader_->leave();
      if (interrupter_.take()) return {Io::kInterrupted};
      if (end_.gone()) return read(into);
      continue;
    }
    const IoResult io = reader_->read(into);
    switch (io.outcome) {
      case Io::kWouldBlock:
        break;
      case Io::kClosed:
        end_.set_gone();
        return io;
      case Io::kFailed:
        return {end_.fail(Status::from_errno(errno, "read from the lane's FIFO"))};
      default:
        return io;
    }
  }
}

void FifoLane::interrupt() noexcept {
  PolledLane::interrupt();
  wake_reader();
}

void FifoLane::hang_up() noexcept {
  PolledLane::hang_up();
  wake_reader();
}

void FifoLane::wake_reader() noexcept {
  if (!reader_ || reader_->wake()) return;
  // /proc went away since, or no descriptor is left. A thread that cannot be woken is worse than a
  // connection that ends: when the peer closes its end, the read ends.
  end_.fail(Status::resource_exhausted(
      "interrupt a read of the lane's FIFO: it could not be opened through /proc/self/fd, so the "
      "connection was given up"));
  ::shutdown(control_.descriptor(), SHUT_RDWR);
}

}  // namespace ferry::transports
