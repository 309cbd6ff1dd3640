// A ring: one stream of bytes through memory that two processes share, one writer and one reader.
//
// No system call and no waiting here: see sleepers.h for those. Both ends distrust the memory:
// - each end keeps a private copy of its own index and never reads it back from the memory;
// - the other end's index is loaded once a pass into a local, checked to move forward and to stay
//   within the capacity, and only then used. An index outside of that is corruption: std::nullopt,
//   and whoever owns the ring fails the connection;
// - bytes are copied out before anybody looks at them, so that the peer can no longer change them.
//
// Memory order. Indices are stored and loaded sequentially consistent, because an end that
// publishes then looks whether the other sleeps, and an end that goes to sleep then looks for what
// was published: with anything weaker both may miss (tests/transports/ring_sleep_test.cc shows it).
// On x86-64 the loads are plain ones and the store is an xchg, which costs what a fence costs; an
// atomic_thread_fence would do the same but the thread sanitizer of g++ does not know it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <sys/uio.h>

namespace ferry::transports::ring {

// What one writer and one reader never share: a cache line, and its neighbour, which Intel's
// spatial prefetcher fetches along (Intel 64 and IA-32 Architectures Optimization Reference
// Manual, 3.7.3).
inline constexpr std::size_t kLineBytes = 128;

// The shared indices of one ring: free running byte counts. They never wrap: 2^64 bytes at 100 GB/s
// take five years, and unsigned differences would be right even then.
struct Indices {
  alignas(kLineBytes) std::atomic<std::uint64_t> written{0};   // stored by the writer only
  alignas(kLineBytes) std::atomic<std::uint64_t> consumed{0};  // stored by the reader only
};
static_assert(sizeof(Indices) == 2 * kLineBytes);
static_assert(offsetof(Indices, written) == 0 && offsetof(Indices, consumed) == kLineBytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free,
              "a lock inside an atomic would be private to one process");

// The writing end. Thread safety: one thread at a time.
class Writer {
 public:
  // `capacity` is data's size: a power of two.
  Writer(Indices& shared, std::byte* data, std::size_t capacity) noexcept
      : shared_(&shared), data_(data), capacity_(capacity) {}

  // Bytes that fit now; looks at the reader's index only when fewer than `wanted` are known to fit.
  [[nodiscard]] std::optional<std::size_t> room(std::size_t wanted) noexcept {
    if (known_room() >= wanted) return known_room();
    const std::uint64_t consumed = shared_->consumed.load(std::memory_order_seq_cst);
    if (consumed - consumed_ > written_ - consumed_) return std::nullopt;
    consumed_ = consumed;
    return known_room();
  }

  // Copies in as much of `bytes` as fits, in order, and publishes it with one store. 0: full.
  [[nodiscard]] std::optional<std::size_t> write(std::span<const iovec> bytes) noexcept {
    std::size_t total = 0;
    for (const iovec& piece : bytes) total += piece.iov_len;
    const std::optional<std::size_t> free = room(total);
    if (!free) return std::nullopt;
    std::size_t left = total < *free ? total : *free;
    const std::size_t taken = left;
    if (taken == 0) return 0;
    for (const iovec& piece : bytes) {
      const std::size_t count = piece.iov_len < left ? piece.iov_len : left;
      put(static_cast<const std::byte*>(piece.iov_base), count);
      left -= count;
      if (left == 0) break;
    }
    shared_->written.store(written_, std::memory_order_seq_cst);
    return taken;
  }

 private:
  std::size_t known_room() const noexcept {
    return capacity_ - static_cast<std::size_t>(written_ - consumed_);
  }

  void put(const std::byte* from, std::size_t count) noexcept {
    const std::size_t at = static_cast<std::size_t>(written_) & (capacity_ - 1);
    const std::size_t first = count < capacity_ - at ? count : capacity_ - at;
    if (first != 0) std::memcpy(data_ + at, from, first);
    if (first != count) std::memcpy(data_, from + first, count - first);
    written_ += count;
  }

  Indices* shared_;
  std::byte* data_;
  std::size_t capacity_;
  std::uint64_t written_ = 0;   // ours; what shared_->written should be
  std::uint64_t consumed_ = 0;  // the reader's, as last seen and checked
};

// The reading end. Thread safety: one thread at a time; may_have_input() any thread.
class Reader {
 public:
  Reader(Indices& shared, const std::byte* data, std::size_t capacity) noexcept
      : shared_(&shared), data_(data), capacity_(capacity) {}

  // Copies out as much as is there and fits. 0: empty, which costs one load.
  [[nodiscard]] std::optional<std::size_t> read(std::span<std::byte> into) noexcept {
    const std::uint64_t consumed = consumed_.load(std::memory_order_relaxed);
    const std::uint64_t written = shared_->written.load(std::memory_order_seq_cst);
    const std::uint64_t unread = written - consumed;
    // Behind what was there already, or further ahead than the ring is long.
    if (unread > capacity_ || unread < written_ - consumed) return std::nullopt;
    if (unread == 0) return 0;
    written_ = written;
    const std::size_t there = static_cast<std::size_t>(unread);
    const std::size_t count = there < into.size() ? there : into.size();
    const std::size_t at = static_cast<std::size_t>(consumed) & (capacity_ - 1);
    const std::size_t first = count < capacity_ - at ? count : capacity_ - at;
    if (first != 0) std::memcpy(into.data(), data_ + at, first);
    if (first != count) std::memcpy(into.data() + first, data_, count - first);
    consumed_.store(consumed + count, std::memory_order_relaxed);
    shared_->consumed.store(consumed + count, std::memory_order_seq_cst);
    return count;
  }

  // Whether a read() may do something other than say 0. Unchecked: a hint for another thread.
  [[nodiscard]] bool may_have_input() const noexcept {
    return shared_->written.load(std::memory_order_seq_cst) !=
           consumed_.load(std::memory_order_relaxed);
  }

 private:
  Indices* shared_;
  const std::byte* data_;
  std::size_t capacity_;
  // Ours; what shared_->consumed should be. Atomic for may_have_input() only.
  std::atomic<std::uint64_t> consumed_{0};
  std::uint64_t written_ = 0;  // the writer's, as last seen and checked
};

}  // namespace ferry::transports::ring
