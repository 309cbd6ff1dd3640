// Interrupter: ends another thread's parked wait.
#pragma once

#include <atomic>

namespace ferry::transports::sys {

// A flag, and an eventfd for whoever waits in a poll. The eventfd is made when somebody first
// parks: a lane that is only driven by an event loop does without.
//
// A waiter calls prepare(), then take() and whatever else it waits for, then polls the descriptor
// with the rest, then drain()s it when it was readable, and starts again. No wake-up is lost:
// either the waiter sees the flag, or the other thread sees the descriptor.
class Interrupter {
 public:
  Interrupter() noexcept = default;
  ~Interrupter();
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  // ---- any thread
  void interrupt() noexcept;  // one take() will say true
  void wake() noexcept;       // ends polls that are under way, and no more

  // ---- waiters
  [[nodiscard]] bool take() noexcept;  // whether interrupt() was called since; clears it
  [[nodiscard]] bool pending() const noexcept { return interrupted_.load(); }
  // The descriptor to poll for input; -1 when there is none to be had (then wait in slices).
  [[nodiscard]] int prepare() noexcept;
  void drain() noexcept;

 private:
  std::atomic<bool> interrupted_{false};
  std::atomic<int> eventfd_{-1};
};

}  // namespace ferry::transports::sys
