// Who of one side sleeps, as the other side sees it: nobody rings a bell for a peer that is awake.
//
// Each sleeper has a word that it alone stores: even while it is awake, odd while it sleeps, and a
// new odd number each time it falls asleep. A waker remembers the number that it rang for and rings
// once for it. So no word has two writers, and no exchange is needed.
//
// No wake-up is lost: the sleeper stores its word, then looks once more for what it waits for; the
// waker stores an index (ring.h), then looks at the word. All four are sequentially consistent, so
// at least one of the two sees the other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "transports/ring/ring.h"

namespace ferry::transports::ring {

using SleepWord = std::atomic<std::uint64_t>;
static_assert(SleepWord::is_always_lock_free);

// What one side tells the other about itself. It stores all of it; the other side only loads.
struct Sleepers {
  alignas(kLineBytes) SleepWord reader{0};  // its reading half waits for input
  SleepWord writer{0};                      // its writing half waits for room, or for input
  std::atomic<std::uint32_t> gone{0};       // not 0: it has closed the connection in good order
};
static_assert(sizeof(Sleepers) == kLineBytes);

// The sleeper's end of a word. Thread safety: one thread at a time.
class Sleeper {
 public:
  explicit Sleeper(SleepWord& shared) noexcept : shared_(&shared) {}

  // Says that we sleep, by a new number. Look once more for what is waited for before sleeping.
  void fall_asleep() noexcept {
    value_ = (value_ + 1) | 1;
    shared_->store(value_, std::memory_order_seq_cst);
  }
  void wake_up() noexcept {
    if ((value_ & 1) == 0) return;
    ++value_;
    shared_->store(value_, std::memory_order_release);
  }

 private:
  SleepWord* shared_;
  std::uint64_t value_ = 0;
};

// The waker's end of a word. Thread safety: one thread at a time; a word may have several wakers.
class Waker {
 public:
  explicit Waker(const SleepWord& shared) noexcept : shared_(&shared) {}

  // Whether to ring now, after something was published. True once for each falling asleep.
  [[nodiscard]] bool should_ring() noexcept {
    const std::uint64_t value = shared_->load(std::memory_order_seq_cst);
    if ((value & 1) == 0 || value == rung_) return false;
    rung_ = value;
    return true;
  }

 private:
  const SleepWord* shared_;
  std::uint64_t rung_ = 0;
};

}  // namespace ferry::transports::ring
