#include "transports/ring/ring_lane.h"

#include <algorithm>
#include <optional>
#include <poll.h>
#include <string>
#include <utility>

#include <ferry/limits.h>

namespace ferry::transports::ring {

namespace {

// Asks the kernel rather than our own notes: the peer may have died a moment ago.
bool ended(int control) noexcept {
  pollfd entry{.fd = control, .events = POLLRDHUP, .revents = 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace

RingLane::RingLane(std::string_view transport, sys::SharedMapping mapping, std::size_t ring_bytes,
                   Side side, UniqueFd control)
    : transport_(transport),
      mapping_(std::move(mapping)),
      view_(mapping_.get(), ring_bytes, side),
      control_(std::move(control), end_),
      output_(view_.writer()),
      writer_sleeper_(view_.own().writer),
      input_for_reader_(view_.peer().reader),
      input_for_writer_(view_.peer().writer),
      input_(view_.input(), view_.input_data(), ring_bytes),
      reader_sleeper_(view_.own().reader),
      room_for_writer_(view_.peer().writer) {}

// ---- writing half

IoResult RingLane::write(std::span<const iovec> bytes, std::span<const int> descriptors) {
  if (end_.gone() || peer_said_goodbye()) return {over()};
  if (!descriptors.empty()) {
    const Io passed = pass_descriptors(descriptors);
    if (passed != Io::kDone) return passed == Io::kWouldBlock ? blocked() : IoResult{passed};
  }
  std::optional<std::size_t> taken = output_.write(bytes);
  if (taken && *taken == 0) {
    fall_asleep(writer_sleeper_);
    taken = output_.write(bytes);
  }
  if (!taken) return spoiled();
  if (*taken == 0) return blocked();
  control_.bytes_moved();
  writer_sleeper_.wake_up();
  const bool reader = input_for_reader_.should_ring();
  const bool writer = input_for_writer_.should_ring();
  if (reader || writer) ring(reader, writer);
  progress();
  return {Io::kDone, *taken};
}

Io RingLane::pass_descriptors(std::span<const int> descriptors) {
  Io passed = control_.pass(descriptors);
  if (passed == Io::kWouldBlock) {
    // The peer rings when it has taken descriptors in, if it sees us asleep.
    fall_asleep(writer_sleeper_);
    passed = control_.pass(descriptors);
  }
  descriptors_blocked_ = passed == Io::kWouldBlock;
  if (passed == Io::kClosed || passed == Io::kFailed) wake_all();
  return passed;
}

// The bell that announces room was asked for. Rare, so there is time to see whether anybody is
// there to make room.
IoResult RingLane::blocked() {
  if (!ended(control_.descriptor())) return {Io::kWouldBlock};
  hang_up();
  return {over()};
}

// Whether wait_writable() is over, with `result`.
bool RingLane::room_or_input(IoResult& result) {
  result = {Io::kDone};
  if (end_.gone() || peer_said_goodbye()) {
    result = {over()};
    return true;
  }
  if (input_.may_have_input()) return true;
  if (descriptors_blocked_) return false;  // room in the ring is not what is waited for
  const std::optional<std::size_t> room = output_.room(1);
  if (!room) result = spoiled();
  return !room || *room != 0;
}

IoResult RingLane::wait_writable(TimePoint deadline) {
  IoResult result;
  for (;;) {
    if (take_interrupt()) return {Io::kInterrupted};
    // Stays asleep, as the peer sees it, until a write() succeeds.
    fall_asleep(writer_sleeper_);
    if (room_or_input(result)) return result;
    TimePoint until = deadline;
    if (descriptors_blocked_) until = std::min(deadline, sys::DescriptorRefusals::retry_time());
    const Woken woken = park(Half::kWriter, until);
    if (room_or_input(result)) return result;
    switch (woken) {
      case Woken::kBell:
        count_empty_bell();
        [[fallthrough]];
      case Woken::kLook:
        if (descriptors_blocked_) return {Io::kDone};
        break;
      case Woken::kControl:  // the other half's to read
        return ended(control_.descriptor()) ? blocked() : IoResult{Io::kDone};
      case Woken::kTimedOut:
        return {until == deadline ? Io::kTimedOut : Io::kDone};
      case Woken::kFailed:
        return {Io::kFailed};
    }
  }
}

// ---- reading half

IoResult RingLane::took(std::size_t count) noexcept {
  if (room_for_writer_.should_ring()) ring(false, true);
  progress();
  return {Io::kDone, count};
}

IoResult RingLane::read(std::span<std::byte> into) {
  if (end_.failed()) return {Io::kFailed};
  const std::optional<std::size_t> count = input_.read(into);
  if (!count) return spoiled();
  return *count != 0 ? took(*count) : read_empty(into);
}

IoResult RingLane::read_empty(std::span<std::byte> into) {
  if (!end_.gone() && !peer_said_goodbye()) return {Io::kWouldBlock};
  // It wrote nothing after it was seen to be gone, but may have between our look and that.
  const std::optional<std::size_t> count = input_.read(into);
  if (!count) return spoiled();
  return *count != 0 ? took(*count) : IoResult{over()};
}

IoResult RingLane::read_parked(std::span<std::byte> into, TimePoint deadline) {
  IoResult result = read(into);
  while (result.outcome == Io::kWouldBlock) {
    if (take_interrupt()) return {Io::kInterrupted};
    fall_asleep(reader_sleeper_);
    result = read(into);
    if (result.outcome != Io::kWouldBlock) {
      reader_sleeper_.wake_up();
      break;
    }
    const Woken woken = park(Half::kReader, deadline);
    reader_sleeper_.wake_up();
    if (woken == Woken::kControl && on_control_readable().outcome == Io::kFailed) {
      return {Io::kFailed};
    }
    result = read(into);
    if (result.outcome != Io::kWouldBlock) break;
    if (woken == Woken::kTimedOut) return {Io::kTimedOut};
    if (woken == Woken::kBell) count_empty_bell();
  }
  return result;
}

Status RingLane::take_descriptors(std::size_t count, std::vector<UniqueFd>& into) {
  Status taken = control_.take(count, into);
  if (end_.gone()) wake_all();
  if (room_for_writer_.should_ring()) ring(false, true);  // see pass_descriptors()
  return taken;
}

bool RingLane::arm() {
  fall_asleep(reader_sleeper_);
  const bool quiet = !input_.may_have_input() && !end_.gone() && !peer_said_goodbye();
  if (!quiet) reader_sleeper_.wake_up();
  return quiet;
}

IoResult RingLane::on_control_readable() {
  const Io outcome = control_.on_readable();
  if (end_.gone()) wake_all();
  if (room_for_writer_.should_ring()) ring(false, true);  // see pass_descriptors()
  return {outcome};
}

// ---- any thread

void RingLane::interrupt() noexcept {
  interrupted_.store(true);
  wake_all();
}

bool RingLane::take_interrupt() noexcept {
  return interrupted_.load() && interrupted_.exchange(false);
}

void RingLane::hang_up() noexcept {
  end_.set_gone();
  wake_all();
}

void RingLane::wake_all() noexcept {
  wake(Half::kReader);
  wake(Half::kWriter);
}

bool RingLane::peer_said_goodbye() noexcept {
  if (view_.peer().gone.load(std::memory_order_acquire) == 0) return false;
  if (!end_.gone()) hang_up();
  return true;
}

void RingLane::fail(Status why) noexcept {
  end_.fail(std::move(why));
  wake_all();
}

IoResult RingLane::spoiled() noexcept {
  fail(Status::invalid_argument(std::string(transport_) +
                                ": the peer misbehaved: an index of a ring in shared memory went "
                                "backwards or out of range"));
  return {Io::kFailed};
}

void RingLane::count_empty_bell() noexcept {
  if (interrupted_.load(std::memory_order_relaxed)) return;
  if (empty_bells_.fetch_add(1, std::memory_order_relaxed) + 1 < limits::kEmptyBells) return;
  fail(Status::invalid_argument(std::string(transport_) + ": the peer misbehaved: it rang " +
                                std::to_string(limits::kEmptyBells) +
                                " times in a row with nothing to read and no room made"));
}

// Something moved: bells that come now are not in vain.
void RingLane::progress() noexcept {
  if (empty_bells_.load(std::memory_order_relaxed) != 0) {
    empty_bells_.store(0, std::memory_order_relaxed);
  }
}

void RingLane::say_goodbye() noexcept {
  if (in_forked_child()) return;
  view_.own().gone.store(1, std::memory_order_seq_cst);
  const bool reader = input_for_reader_.should_ring();
  const bool writer = input_for_writer_.should_ring();
  if (reader || writer) ring(reader, writer);
}

}  // namespace ferry::transports::ring
