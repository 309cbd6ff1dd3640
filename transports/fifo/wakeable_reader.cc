#include "transports/fifo/wakeable_reader.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace ferry::transports {

WakeableReader::WakeableReader(UniqueFd fd, std::size_t capacity) noexcept
    : fd_(std::move(fd)), capacity_(capacity) {}

std::unique_ptr<WakeableReader> WakeableReader::make(UniqueFd fd) {
  const int capacity = ::fcntl(fd.get(), F_GETPIPE_SZ);
  if (capacity <= 0) return nullptr;
  std::unique_ptr<WakeableReader> reader(
      new WakeableReader(std::move(fd), static_cast<std::size_t>(capacity)));
  if (!reader->open_writer()) return nullptr;
  reader->packet_.resize(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
  if (::getrandom(reader->packet_.data(), kSecretBytes, 0) != ssize_t{kSecretBytes}) return nullptr;
  return reader;
}

UniqueFd WakeableReader::open_writer() const noexcept {
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd_.get());
  UniqueFd writer(::open(path.data(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  // Packets are asked for with F_SETFL only: open(2) takes O_DIRECT of a FIFO for its file
  // system's.
  if (writer && ::fcntl(writer.get(), F_SETFL, O_NONBLOCK | O_DIRECT) != 0) writer.reset();
  return writer;
}

// Sequentially consistent, as the note is: whoever is in enter() sees the note of a wake() that did
// not see it.
void WakeableReader::enter() noexcept { reading_.store(Reading::kEntered); }

void WakeableReader::leave() noexcept {
  for (;;) {
    Reading entered = Reading::kEntered;
    if (reading_.compare_exchange_strong(entered, Reading::kNo)) return;
    if (entered == Reading::kNo) return;
    reading_.wait(Reading::kWaking);
  }
}

IoResult WakeableReader::read(std::span<std::byte> into) { return read_around(fd_.get(), into); }

IoResult WakeableReader::read_around(int fd, std::span<std::byte> into) {
  if (!holds_input()) return read_from(fd, into);
  leave();
  return take_spilled(into);
}

IoResult WakeableReader::read_from(int fd, std::span<std::byte> into) {
  ssize_t count = 0;
  if (into.size() >= capacity_) {
    count = ::read(fd, into.data(), into.size());
  } else {
    spilled_.resize(capacity_);
    const std::array<iovec, 2> parts{
        {{into.data(), into.size()}, {spilled_.data(), spilled_.size()}}};
    count = ::readv(fd, parts.data(), static_cast<int>(parts.size()));
  }
  const int error = errno;
  // Whoever is in wake() has finished after this: no packet comes between this read and the next.
  leave();
  if (count <= 0) {
    spilled_.clear();
    errno = error;
    if (count == 0) return {Io::kClosed};
    return {error == EAGAIN || error == EINTR ? Io::kWouldBlock : Io::kFailed};
  }
  auto total = static_cast<std::size_t>(count);
  const auto byte_at = [&](std::size_t i) {
    return i < into.size() ? into[i] : spilled_[i - into.size()];
  };
  if (woken_ && total >= packet_.size()) {
    const std::size_t start = total - packet_.size();
    std::size_t same = 0;
    while (same < kSecretBytes && byte_at(start + same) == packet_[same]) ++same;
    if (same == kSecretBytes) {
      total = start;
      woken_ = false;
    }
  }
  spilled_.resize(total > into.size() ? total - into.size() : 0);
  spilled_at_ = 0;
  if (total == 0) return {Io::kWouldBlock};
  return {Io::kDone, std::min(total, into.size())};
}

IoResult WakeableReader::take_spilled(std::span<std::byte> into) noexcept {
  const std::size_t count = std::min(into.size(), spilled_.size() - spilled_at_);
  std::memcpy(into.data(), spilled_.data() + spilled_at_, count);
  spilled_at_ += count;
  return {Io::kDone, count};
}

bool WakeableReader::wake() noexcept {
  Reading entered = Reading::kEntered;
  // Nobody reads, or another thread wakes the reader already.
  if (!reading_.compare_exchange_strong(entered, Reading::kWaking)) return true;
  const bool woken = woken_ || put_packet();
  reading_.store(Reading::kEntered);
  reading_.notify_all();
  return woken;
}

bool WakeableReader::put_packet() noexcept {
  const UniqueFd writer = open_writer();
  if (!writer) return false;
  // Before the packet can be read. EAGAIN: the FIFO is full, so nobody blocks in a read of it.
  woken_ = true;
  const ssize_t written = ::write(writer.get(), packet_.data(), packet_.size());
  if (written == static_cast<ssize_t>(packet_.size())) return true;
  woken_ = false;
  return written < 0 && errno == EAGAIN;
}

}  // namespace ferry::transports
