// RingLane: what every lane through two rings in shared memory does alike. A transport adds how its
// halves sleep and how the peer's are woken.
//
// Descriptors travel on the control socket, before the bytes they belong to.
//
// The peer's death is learned from the control socket (on_control_readable(), hang_up()), and its
// good-bye from its word in the memory as well, so that spinning readers learn of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "transports/lane.h"
#include "transports/ring/layout.h"
#include "transports/ring/ring.h"
#include "transports/ring/sleepers.h"
#include "transports/sys/control_socket.h"
#include "transports/sys/lane_end.h"
#include "transports/sys/shared_mapping.h"

namespace ferry::transports::ring {

class RingLane : public Lane {
 public:
  [[nodiscard]] std::string_view transport() const noexcept final { return transport_; }

  [[nodiscard]] IoResult write(std::span<const iovec> bytes,
                               std::span<const int> descriptors) final;
  [[nodiscard]] IoResult wait_writable(TimePoint deadline) final;
  [[nodiscard]] IoResult read(std::span<std::byte> into) final;
  [[nodiscard]] IoResult read_parked(std::span<std::byte> into, TimePoint deadline) final;
  [[nodiscard]] Status take_descriptors(std::size_t count, std::vector<UniqueFd>& into) final;

  [[nodiscard]] bool arm() final;
  [[nodiscard]] bool descriptors_blocked() const noexcept final { return descriptors_blocked_; }
  void disarm() final { reader_sleeper_.wake_up(); }
  [[nodiscard]] IoResult on_control_readable() final;

  void interrupt() noexcept final;
  void hang_up() noexcept final;
  [[nodiscard]] Status failure() const final { return end_.why(); }

 protected:
  enum class Half : std::uint8_t { kReader, kWriter };
  enum class Woken : std::uint8_t {
    kBell,     // the peer rang
    kLook,     // wake() was called, or any other reason to look around
    kControl,  // the control socket has input or its end
    kTimedOut,
    kFailed,  // fail() was called
  };

  // `transport` is static storage.
  RingLane(std::string_view transport, sys::SharedMapping mapping, std::size_t ring_bytes,
           Side side, UniqueFd control);

  // Wakes the peer's halves that sleep. Any of our halves may call it.
  virtual void ring(bool reader, bool writer) noexcept = 0;
  // Sleeps until the peer rang for this half, wake(half), or `deadline`; a wake-up that came since
  // the last park() counts.
  [[nodiscard]] virtual Woken park(Half half, TimePoint deadline) = 0;
  // Makes park(half), or the next one, return. Any thread.
  virtual void wake(Half half) noexcept = 0;

  // A bell with nothing behind it. After too many in a row the lane fails.
  void count_empty_bell() noexcept;
  void fail(Status why) noexcept;
  // How often a half has said that it sleeps since forget_sleeps(): the peer has rung at most three
  // times for each, whether the half then slept or found what it wanted.
  [[nodiscard]] std::uint32_t sleeps() const noexcept {
    return sleeps_.load(std::memory_order_relaxed);
  }
  void forget_sleeps() noexcept { sleeps_.store(0, std::memory_order_relaxed); }
  // The last thing a lane does, in the destructor of the class that rings: says good-bye.
  void say_goodbye() noexcept;

  [[nodiscard]] const View& view() const noexcept { return view_; }
  // In a forked child the shared memory is not there.
  [[nodiscard]] bool in_forked_child() const noexcept { return !mapping_.usable(); }
  [[nodiscard]] int control_fd() const noexcept { return control_.descriptor(); }

 private:
  [[nodiscard]] Io over() const noexcept { return end_.failed() ? Io::kFailed : Io::kClosed; }
  [[nodiscard]] bool peer_said_goodbye() noexcept;
  [[nodiscard]] IoResult spoiled() noexcept;
  [[nodiscard]] IoResult took(std::size_t count) noexcept;
  [[nodiscard]] IoResult read_empty(std::span<std::byte> into);
  [[nodiscard]] Io pass_descriptors(std::span<const int> descriptors);
  [[nodiscard]] IoResult blocked();
  [[nodiscard]] bool room_or_input(IoResult& result);
  [[nodiscard]] bool take_interrupt() noexcept;
  void progress() noexcept;
  void fall_asleep(Sleeper& half) noexcept {
    sleeps_.fetch_add(1, std::memory_order_relaxed);
    half.fall_asleep();
  }
  void wake_all() noexcept;

  const std::string_view transport_;
  const sys::SharedMapping mapping_;
  const View view_;
  sys::LaneEnd end_;
  sys::ControlSocket control_;

  // Writing half.
  Writer output_;
  Sleeper writer_sleeper_;
  Waker input_for_reader_;
  Waker input_for_writer_;
  std::atomic<bool> descriptors_blocked_{false};  // changed by the writing half

  // Reading half.
  Reader input_;
  Sleeper reader_sleeper_;
  Waker room_for_writer_;

  // Any thread.
  std::atomic<bool> interrupted_{false};
  std::atomic<std::uint32_t> empty_bells_{0};
  std::atomic<std::uint32_t> sleeps_{0};
};

}  // namespace ferry::transports::ring
