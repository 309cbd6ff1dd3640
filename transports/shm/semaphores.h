// The POSIX semaphores of a shm lane: one for each half of each side, in the shared memory itself.
//
// A semaphore is a bell and nothing else: its value never implies data. Whoever can write a sem_t
// can make the process that waits on it abort (glibc 2.36: "The futex facility returned an
// unexpected error code"), so this lane is for peers of the same user that are not hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <semaphore.h>

#include "transports/lane.h"
#include "transports/ring/layout.h"

namespace ferry::transports::shm {

// Two halves of a side may sleep at once, and a post wakes one waiter: hence one each.
struct Semaphores {
  alignas(64) sem_t reader;
  alignas(64) sem_t writer;
};

struct Bells {
  Semaphores server;
  Semaphores client;
};
static_assert(sizeof(Bells) <= ring::kBellBytes);
static_assert(alignof(Bells) <= ring::kLineBytes);

[[nodiscard]] inline Bells& bells_of(ring::Control& control) noexcept {
  return *std::launder(reinterpret_cast<Bells*>(control.bells));
}

// Makes them in a new segment. The server calls it, before the client can see it.
void construct_bells(ring::Control& control) noexcept;

enum class Waited : std::uint8_t { kPosted, kTimedOut, kBroken };

// Waits for a post until `deadline`, on CLOCK_MONOTONIC, whatever signals arrive.
[[nodiscard]] Waited wait(sem_t& semaphore, TimePoint deadline) noexcept;

}  // namespace ferry::transports::shm
