// WakeableReader: a blocking read of a FIFO that another thread can end.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <ferry/unique_fd.h>

#include "transports/lane.h"

namespace ferry::transports {

// A read() that blocks costs one system call where poll and read cost two, but nothing ends it: but
// data, the end of all writers, or a signal, and those belong to the user. So wake() puts data
// there: a packet that begins with a secret, through a writer it opens for the moment. A packet is
// handed out as the end of a read and never merged with what is behind it (O_DIRECT, pipe(2)); and
// because it is a whole page, the kernel does not append it to what is before it either
// (pipe_write() merges only the part of a write that is less than a page). So the reader finds it
// at the end of what it reads, or in a later read, and takes it off. The peer cannot know the
// secret. Reads that may meet a packet have room for all that the FIFO holds, because a packet that
// does not fit is cut.
//
// Thread safety: one reader; wake() may be called by any thread.
class WakeableReader {
 public:
  // Null when `fd`, the blocking end of the FIFO, cannot be woken here: /proc is missing, or its
  // permissions don't let this process write.
  [[nodiscard]] static std::unique_ptr<WakeableReader> make(UniqueFd fd);
  WakeableReader(const WakeableReader&) = delete;
  WakeableReader& operator=(const WakeableReader&) = delete;

  // From here on wake() has an effect. Whoever wants to wake leaves a note for the reader first; so
  // look at the note after this, and then either read() or leave().
  void enter() noexcept;
  void leave() noexcept;
  // Blocks, and leaves. kDone; kClosed at the end of the FIFO; kWouldBlock after wake() or a
  // signal; kFailed with errno.
  [[nodiscard]] IoResult read(std::span<std::byte> into);
  // Whether the FIFO may still hold a packet, or bytes were read already: then all reads must be
  // made with read_around().
  [[nodiscard]] bool unsettled() const noexcept { return woken_ || holds_input(); }
  // A read from `fd`, a non-blocking end of the same FIFO, that takes packets off.
  [[nodiscard]] IoResult read_around(int fd, std::span<std::byte> into);
  // Bytes were read and not handed out.
  [[nodiscard]] bool holds_input() const noexcept { return spilled_at_ < spilled_.size(); }

  // Ends a read() after enter(). False: it blocks, and could not be woken.
  [[nodiscard]] bool wake() noexcept;

 private:
  static constexpr std::size_t kSecretBytes = 16;

  WakeableReader(UniqueFd fd, std::size_t capacity) noexcept;
  [[nodiscard]] UniqueFd open_writer() const noexcept;
  [[nodiscard]] bool put_packet() noexcept;
  IoResult read_from(int fd, std::span<std::byte> into);
  IoResult take_spilled(std::span<std::byte> into) noexcept;

  UniqueFd fd_;
  std::size_t capacity_;            // of the FIFO, in bytes
  std::vector<std::byte> packet_;   // a page; the secret and then zeros
  std::vector<std::byte> spilled_;  // what did not fit the caller's buffer
  std::size_t spilled_at_ = 0;
  // Where the reader is. kWaking is wake()'s: the reader waits for its end before it leaves, so
  // that no packet comes between that read and the next.
  enum class Reading : std::uint8_t { kNo, kEntered, kWaking };
  std::atomic<Reading> reading_{Reading::kNo};
  std::atomic<bool> woken_{false};  // a packet is in the FIFO
};

}  // namespace ferry::transports
