#include "transports/sys/polled_lane.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <poll.h>

#include "transports/sys/deadline.h"

namespace ferry::transports::sys {

namespace {

// A wait in slices, when there is no descriptor left for an eventfd.
constexpr std::chrono::milliseconds kSliceWithoutEventfd{10};

}  // namespace

IoResult PolledLane::write(std::span<const iovec> bytes, std::span<const int> descriptors) {
  if (end_.failed()) return {Io::kFailed};
  if (end_.gone()) return {Io::kClosed};
  const Io passed = control_.pass(descriptors);
  if (passed != Io::kDone) return {passed};
  const IoResult io = put(bytes);
  if (io.outcome == Io::kDone) control_.bytes_moved();
  if (io.outcome == Io::kClosed) end_.set_gone();
  return io;
}

IoResult PolledLane::read(std::span<std::byte> into) {
  if (end_.failed()) return {Io::kFailed};
  const bool was_gone = end_.gone();
  const IoResult io = get(into);
  if (io.outcome == Io::kClosed) end_.set_gone();
  return io.outcome == Io::kWouldBlock ? IoResult{LaneEnd::nothing(was_gone)} : io;
}

IoResult PolledLane::read_parked(std::span<std::byte> into, TimePoint deadline) {
  if (interrupter_.take()) return {Io::kInterrupted};
  for (;;) {
    if (!holds_input()) {
      const Io parked = park(false, deadline);
      if (parked != Io::kDone) return {parked};
    }
    const IoResult io = read(into);
    if (io.outcome != Io::kWouldBlock) return io;
  }
}

IoResult PolledLane::wait_writable(TimePoint deadline) {
  if (end_.failed()) return {Io::kFailed};
  if (!control_.refused()) return {park(true, deadline)};
  const TimePoint retry = DescriptorRefusals::retry_time();
  const Io waited = park(true, std::min(deadline, retry));
  return {waited == Io::kTimedOut && retry <= deadline ? Io::kDone : waited};
}

// Polls for input, the end, an interrupt, and for room when asked. kDone means: look again. The
// control socket's input belongs to the reading half; a wait for room looks for its end only.
Io PolledLane::park(bool for_room, TimePoint deadline) {
  const bool poll_room = for_room && !control_.refused();
  for (;;) {
    std::array<pollfd, 4> watched{
        {{readable_, POLLIN, 0},
         {control_.descriptor(), static_cast<short>(for_room ? POLLRDHUP : POLLIN), 0},
         {interrupter_.prepare(), POLLIN, 0},
         {poll_room ? writable_ : -1, POLLOUT, 0}}};
    if (interrupter_.take()) return Io::kInterrupted;
    if (end_.gone()) return end_.failed() ? Io::kFailed : Io::kDone;
    TimePoint until = deadline;
    if (watched[2].fd < 0) until = std::min(deadline, Clock::now() + kSliceWithoutEventfd);
    const Io polled = poll_until(std::span(watched).first(poll_room ? 4 : 3), until);
    if (polled == Io::kFailed) {
      return end_.fail(Status::from_errno(errno, "wait for the lane's descriptors"));
    }
    if (watched[2].revents != 0) {
      interrupter_.drain();
      if (interrupter_.take()) return Io::kInterrupted;
    }
    if (watched[1].revents != 0) {
      if (for_room) {
        end_.set_gone();
      } else if (control_.on_readable() == Io::kFailed) {
        return Io::kFailed;
      }
    }
    if (watched[0].revents != 0 || watched[3].revents != 0) return Io::kDone;
    if (polled == Io::kTimedOut && until == deadline) return Io::kTimedOut;
  }
}

Status PolledLane::take_descriptors(std::size_t count, std::vector<UniqueFd>& into) {
  return control_.take(count, into);
}

PollSet PolledLane::poll_set() const noexcept {
  return {readable_, writable_, control_.descriptor()};
}

void PolledLane::hang_up() noexcept {
  end_.set_gone();
  interrupter_.wake();
}

}  // namespace ferry::transports::sys
