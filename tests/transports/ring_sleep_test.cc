// The promise that no wake-up is lost, between two threads that sleep as soon as they can.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <semaphore.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "transports/ring/ring.h"
#include "transports/ring/sleepers.h"

namespace ferry::transports::ring {
namespace {

// A semaphore whose wait is bounded, so that a lost wake-up is counted instead of hanging the test.
class TestBell {
 public:
  TestBell() { ::sem_init(&semaphore_, 0, 0); }
  ~TestBell() { ::sem_destroy(&semaphore_); }
  void ring() { ::sem_post(&semaphore_); }
  // False: nobody rang for five seconds.
  bool wait() {
    timespec until{};
    ::clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 5;
    for (;;) {
      if (::sem_clockwait(&semaphore_, CLOCK_MONOTONIC, &until) == 0) return true;
      if (errno != EINTR) return false;
    }
  }

 private:
  sem_t semaphore_;
};

TEST(RingSleep, TheWordIsANewOddNumberForEachSleepAndIsRungForOnce) {
  Sleepers shared;
  Sleeper sleeper(shared.reader);
  Waker waker(shared.reader);
  EXPECT_FALSE(waker.should_ring());
  sleeper.fall_asleep();
  EXPECT_TRUE(waker.should_ring());
  EXPECT_FALSE(waker.should_ring());
  sleeper.fall_asleep();  // again, without having been awake in between
  EXPECT_TRUE(waker.should_ring());
  sleeper.wake_up();
  EXPECT_FALSE(waker.should_ring());
  sleeper.wake_up();
  EXPECT_EQ(shared.reader.load() % 2, 0U);
}

TEST(RingSleep, EachWakerRingsOnItsOwn) {
  Sleepers shared;
  Sleeper sleeper(shared.writer);
  Waker for_room(shared.writer);
  Waker for_input(shared.writer);
  sleeper.fall_asleep();
  EXPECT_TRUE(for_input.should_ring());
  EXPECT_TRUE(for_room.should_ring()) << "a bell for input must not swallow the one for room";
}

// Both ends of one small ring sleep whenever they may: the reader when it is empty, the writer when
// it is full. Every byte is checked.
TEST(RingSleep, NoWakeUpIsLostBetweenAWriterAndAReaderThatBothSleep) {
  constexpr std::size_t kBytes = 64;
  constexpr std::uint64_t kTotal = 3'000'000;
  Indices indices;
  std::vector<std::byte> data(kBytes);
  Sleepers of_reader;
  Sleepers of_writer;
  TestBell reader_bell;
  TestBell writer_bell;
  std::atomic<bool> lost{false};

  std::thread writing([&] {
    Writer writer(indices, data.data(), kBytes);
    Waker waker(of_reader.reader);
    Sleeper sleeper(of_writer.writer);
    std::uint64_t sent = 0;
    while (sent < kTotal && !lost) {
      std::uint8_t chunk[48];
      const std::size_t size = 1 + (sent * 7) % sizeof chunk;
      for (std::size_t i = 0; i < size; ++i) chunk[i] = static_cast<std::uint8_t>(sent + i);
      const iovec piece{chunk, size};
      std::size_t taken = writer.write({&piece, 1}).value();
      if (taken == 0) {
        sleeper.fall_asleep();
        taken = writer.write({&piece, 1}).value();
        if (taken == 0 && !writer_bell.wait()) lost = true;
        sleeper.wake_up();
      }
      if (taken != 0 && waker.should_ring()) reader_bell.ring();
      sent += taken;
    }
  });

  Reader reader(indices, data.data(), kBytes);
  Waker waker(of_writer.writer);
  Sleeper sleeper(of_reader.reader);
  std::uint64_t received = 0;
  const auto take = [&] {
    std::byte chunk[40];
    const std::size_t count = reader.read(chunk).value();
    for (std::size_t i = 0; i < count; ++i) {
      if (chunk[i] != static_cast<std::byte>(received + i)) lost = true;
    }
    received += count;
    if (count != 0 && waker.should_ring()) writer_bell.ring();
    return count != 0;
  };
  // The last chunk may go beyond kTotal.
  while (received < kTotal && !lost) {
    if (take()) continue;
    sleeper.fall_asleep();
    if (!take() && !reader_bell.wait()) lost = true;
    sleeper.wake_up();
  }
  writing.join();
  EXPECT_FALSE(lost);
  EXPECT_GE(received, kTotal);
}

// The same question asked of the instructions alone: each of two threads stores its own word, then
// loads the other's. Where both load the old value, a sleeper and a waker have missed each other.
// Returns how often that happened.
template <std::memory_order kStore, std::memory_order kLoad>
std::size_t missed(std::size_t rounds) {
  struct alignas(kLineBytes) Word {
    std::atomic<std::size_t> value{0};
  };
  Word words[2];
  Word arrived[2];
  std::vector<std::size_t> seen[2] = {std::vector<std::size_t>(rounds + 1),
                                      std::vector<std::size_t>(rounds + 1)};
  const auto run = [&](std::size_t self) {
    Word& own = words[self];
    Word& other = words[1 - self];
    for (std::size_t round = 1; round <= rounds; ++round) {
      arrived[self].value.store(round, std::memory_order_release);
      for (int spins = 0; arrived[1 - self].value.load(std::memory_order_acquire) < round;
           ++spins) {
        if (spins > 1000) std::this_thread::yield();
      }
      own.value.store(round, kStore);
      seen[self][round] = other.value.load(kLoad);
    }
  };
  std::thread second(run, 1);
  run(0);
  second.join();
  std::size_t both = 0;
  for (std::size_t round = 1; round <= rounds; ++round) {
    both += seen[0][round] < round && seen[1][round] < round ? 1 : 0;
  }
  return both;
}

// 200,000 rounds, or what a busy machine does of them in the time there is.
template <std::memory_order kStore, std::memory_order kLoad>
std::size_t missed_in_all() {
  constexpr std::size_t kRounds = 200'000;
  constexpr std::size_t kBatch = 5'000;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::size_t sum = 0;
  for (std::size_t done = 0; done < kRounds; done += kBatch) {
    sum += missed<kStore, kLoad>(kBatch);
    if (std::chrono::steady_clock::now() > end) break;
  }
  return sum;
}

TEST(RingSleep, TheMemoryOrderOfTheRingIsNeededAndIsEnough) {
  EXPECT_EQ((missed_in_all<std::memory_order_seq_cst, std::memory_order_seq_cst>()), 0U);
  // Shows that the count above can be anything but 0. On one CPU, or a machine that never reorders
  // a load before a store, there is nothing to show.
  const std::size_t weak = missed_in_all<std::memory_order_release, std::memory_order_acquire>();
  RecordProperty("missed_with_release_and_acquire", static_cast<int>(weak));
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
  if (weak == 0) GTEST_SKIP() << "no reordering seen here: only one CPU at a time?";
#endif
}

}  // namespace
}  // namespace ferry::transports::ring
