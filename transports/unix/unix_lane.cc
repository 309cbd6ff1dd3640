#include "transports/unix/unix_lane.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <utility>

#include "transports/sys/deadline.h"

namespace ferry::transports {

namespace {

// Long enough that a call which is answered at all soon costs one system call to wait for, short
// enough for a thread whose write is blocked behind the reader.
constexpr std::chrono::milliseconds kBlockingSlice{10};
// Parks that poll after a write was blocked: a burst of large messages lasts about that long.
constexpr int kPollingParks = 64;
// A wait in slices, when there is no descriptor left for an eventfd.
constexpr std::chrono::milliseconds kSliceWithoutEventfd{10};

}  // namespace

Result<std::unique_ptr<Lane>> UnixLane::make(Side side, UniqueFd& socket) {
  if (side == Side::kClient) {
    const int flags = ::fcntl(socket.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) {
      return Status::from_errno(errno, "make the connection's socket blocking");
    }
    const timeval slice{0, std::chrono::microseconds(kBlockingSlice).count()};
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof(slice)) != 0) {
      return Status::from_errno(errno, "set SO_RCVTIMEO of the connection's socket");
    }
  }
  return std::unique_ptr<Lane>(new UnixLane(side, std::move(socket)));
}

UnixLane::UnixLane(Side side, UniqueFd socket) noexcept
    : socket_(std::move(socket)), blocking_(side == Side::kClient) {}

IoResult UnixLane::write(std::span<const iovec> bytes, std::span<const int> descriptors) {
  if (end_.failed()) return {Io::kFailed};
  if (end_.gone()) return {Io::kClosed};
  const sys::SocketIo io = sys::send(socket_.get(), bytes, descriptors);
  switch (io.outcome) {
    case Io::kDone:
      refusals_.accepted();
      return {Io::kDone, io.bytes};
    case Io::kClosed:
      end_.set_gone();  // what the peer sent before may still wait to be read
      return {Io::kClosed};
    case Io::kFailed:
      return {end_.fail(Status::from_errno(io.error, "write to the connection's socket"))};
    default:
      polling_parks_.store(kPollingParks, std::memory_order_relaxed);
      return {io.error != 0 ? refusals_.refused(descriptors.size(), end_) : Io::kWouldBlock};
  }
}

IoResult UnixLane::wait_writable(TimePoint deadline) {
  if (end_.failed()) return {Io::kFailed};
  if (!refusals_.active()) return {park(POLLIN | POLLOUT, deadline)};
  const TimePoint retry = sys::DescriptorRefusals::retry_time();
  const Io waited = park(POLLIN, std::min(deadline, retry));
  return {waited == Io::kTimedOut && retry <= deadline ? Io::kDone : waited};
}

IoResult UnixLane::read(std::span<std::byte> into) { return receive(into, sys::Wait::kNo); }

IoResult UnixLane::receive(std::span<std::byte> into, sys::Wait wait) {
  if (end_.failed()) return {Io::kFailed};
  const bool was_gone = end_.gone();
  std::vector<UniqueFd> batch;
  const sys::SocketIo io = sys::receive(socket_.get(), into, wait, batch);
  switch (io.outcome) {
    case Io::kDone:
      if (!batch.empty() || io.lost_descriptors) return keep_batch(std::move(batch), io);
      return {Io::kDone, io.bytes};
    case Io::kClosed:
      end_.set_gone();
      return {Io::kClosed};
    case Io::kFailed:
      return {end_.fail(Status::from_errno(io.error, "read from the connection's socket"))};
    default:
      return {sys::LaneEnd::nothing(was_gone)};
  }
}

IoResult UnixLane::keep_batch(std::vector<UniqueFd> batch, const sys::SocketIo& io) {
  // A batch that was lost fails when it is asked for: the frames before it are still good.
  const Status kept = io.lost_descriptors ? queue_.push_lost(sys::lost_descriptors(socket_.get()))
                                          : queue_.push(std::move(batch));
  if (!kept.ok()) return {end_.fail(kept)};
  return {Io::kDone, io.bytes};
}

bool UnixLane::may_block(TimePoint deadline) noexcept {
  if (!blocking_) return false;
  const int polling = polling_parks_.load(std::memory_order_relaxed);
  if (polling > 0) {
    polling_parks_.store(polling - 1, std::memory_order_relaxed);
    return false;
  }
  // SO_RCVTIMEO counts in ticks of at most 10 ms: hence a margin.
  return deadline == kNever || deadline - Clock::now() > 2 * kBlockingSlice;
}

IoResult UnixLane::read_parked(std::span<std::byte> into, TimePoint deadline) {
  if (interrupter_.take()) return {Io::kInterrupted};
  IoResult io;
  if (may_block(deadline)) io = receive(into, sys::Wait::kYes);
  while (io.outcome == Io::kWouldBlock) {
    const Io parked = park(POLLIN, deadline);
    if (parked != Io::kDone) return {parked};
    io = receive(into, sys::Wait::kNo);
  }
  return io;
}

// Polls until the socket has one of `events`, or an end. kDone means: look again.
Io UnixLane::park(short events, TimePoint deadline) {
  for (;;) {
    std::array<pollfd, 2> watched{
        {{socket_.get(), events, 0}, {interrupter_.prepare(), POLLIN, 0}}};
    if (interrupter_.take()) return Io::kInterrupted;
    if (end_.gone()) return Io::kDone;
    TimePoint until = deadline;
    if (watched[1].fd < 0) until = std::min(deadline, Clock::now() + kSliceWithoutEventfd);
    const Io polled = sys::poll_until(watched, until);
    if (polled == Io::kFailed) {
      return end_.fail(Status::from_errno(errno, "wait for the connection's socket"));
    }
    if (watched[1].revents != 0) interrupter_.drain();
    if (interrupter_.take()) return Io::kInterrupted;
    if (watched[0].revents != 0) return Io::kDone;
    if (polled == Io::kTimedOut && until == deadline) return Io::kTimedOut;
  }
}

Status UnixLane::take_descriptors(std::size_t count, std::vector<UniqueFd>& into) {
  if (end_.failed()) return end_.why();
  const Status taken = queue_.take(count, into);
  if (!taken.ok()) end_.fail(taken);
  return taken;
}

PollSet UnixLane::poll_set() const noexcept { return {socket_.get(), socket_.get(), -1}; }

IoResult UnixLane::on_control_readable() {
  // The socket is the data: read() takes in what came, descriptors and the peer's end among it.
  if (end_.failed()) return {Io::kFailed};
  return {end_.gone() ? Io::kClosed : Io::kWouldBlock};
}

void UnixLane::hang_up() noexcept {
  end_.set_gone();
  interrupter_.wake();
}

}  // namespace ferry::transports
