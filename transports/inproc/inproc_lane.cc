#include "transports/inproc/inproc_lane.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <string>
#include <utility>

#include <ferry/limits.h>

#include "transports/sys/os_error.h"

namespace ferry::transports {

namespace {

InprocPipe::Batch duplicate(std::span<const int> descriptors, std::size_t position, bool lose) {
  InprocPipe::Batch batch{position, {}, {}};
  if (lose) {
    batch.lost = sys::os_error(EMFILE, "receive the peer's descriptors");
    return batch;
  }
  for (const int fd : descriptors) {
    UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) {
      batch.lost = sys::os_error(errno, "receive the peer's descriptors");
      batch.descriptors.clear();
      return batch;
    }
    batch.descriptors.push_back(std::move(copy));
  }
  return batch;
}

}  // namespace

std::size_t InprocPipe::put(std::span<const iovec> bytes, std::size_t most) noexcept {
  const std::size_t before = written;
  most = std::min(most, room());
  for (const iovec& part : bytes) {
    const auto* from = static_cast<const std::byte*>(part.iov_base);
    std::size_t left = std::min(part.iov_len, most - (written - before));
    while (left > 0) {
      const std::size_t at = written % ring.size();
      const std::size_t count = std::min(left, ring.size() - at);
      std::memcpy(ring.data() + at, from, count);
      from += count;
      left -= count;
      written += count;
    }
  }
  return written - before;
}

std::size_t InprocPipe::get(std::span<std::byte> into) noexcept {
  const std::size_t total = std::min(into.size(), used());
  for (std::size_t done = 0; done < total;) {
    const std::size_t at = read % ring.size();
    const std::size_t count = std::min(total - done, ring.size() - at);
    std::memcpy(into.data() + done, ring.data() + at, count);
    done += count;
    read += count;
  }
  return total;
}

InprocLane::~InprocLane() {
  set_ready_callback({});
  Lock lock(link_->mutex);
  close_locked();
  incoming().batches.clear();
  tell_peer(lock);
}

void InprocLane::close_locked() { mine().open = false; }

void InprocLane::tell_peer(Lock& lock) {
  InprocEnd& other = peer();
  const bool call = other.armed;
  other.changed.notify_all();
  lock.unlock();
  if (!call) return;
  const std::lock_guard calling(other.callback_mutex);
  if (other.ready) other.ready();
}

Io InprocLane::fail(Status why) {
  if (mine().failure.ok()) mine().failure = std::move(why);
  return Io::kFailed;
}

IoResult InprocLane::write(std::span<const iovec> bytes, std::span<const int> descriptors) {
  Lock lock(link_->mutex);
  if (!mine().failure.ok()) return {Io::kFailed};
  if (peer_gone()) return {Io::kClosed};
  if (writes_ >= faults_.fail_after_writes) {
    return {fail(Status::internal("a write failed because InprocFaults say so"))};
  }
  InprocPipe& pipe = outgoing();
  if (pipe.room() == 0) {
    mine().wants_room = true;
    return {Io::kWouldBlock};
  }
  mine().wants_room = false;
  if (!descriptors.empty()) {
    if (pipe.batches.size() >= limits::kUnreadDescriptorMessages) {
      return {fail(Status::invalid_argument("descriptors were sent for more than " +
                                            std::to_string(limits::kUnreadDescriptorMessages) +
                                            " messages that were not read yet"))};
    }
    pipe.batches.push_back(duplicate(descriptors, pipe.written, faults_.lose_descriptors));
  }
  const std::size_t until_close = faults_.close_after_bytes == InprocFaults::kNo
                                      ? InprocFaults::kNo
                                      : faults_.close_after_bytes - pipe.written;
  const std::size_t count =
      pipe.put(bytes, std::min(std::max<std::size_t>(faults_.write_bytes, 1), until_close));
  if (count == until_close) close_locked();
  if (count > 0) ++writes_;
  tell_peer(lock);
  return count > 0 ? IoResult{Io::kDone, count} : IoResult{Io::kClosed};
}

IoResult InprocLane::read_locked(std::span<std::byte> into) {
  if (!mine().failure.ok()) return {Io::kFailed};
  InprocPipe& pipe = incoming();
  if (pipe.used() == 0 || !mine().open) return {peer_gone() ? Io::kClosed : Io::kWouldBlock};
  if (reads_ >= faults_.fail_after_reads) {
    return {fail(Status::internal("a read failed because InprocFaults say so"))};
  }
  ++reads_;
  const std::size_t most = std::min(into.size(), std::max<std::size_t>(faults_.read_bytes, 1));
  return {Io::kDone, pipe.get(into.first(most))};
}

IoResult InprocLane::read(std::span<std::byte> into) {
  Lock lock(link_->mutex);
  const IoResult io = read_locked(into);
  if (io.outcome == Io::kDone && peer().wants_room) tell_peer(lock);
  return io;
}

template <typename Ready>
Io InprocLane::wait(Lock& lock, TimePoint deadline, Ready ready) {
  for (;;) {
    if (std::exchange(mine().interrupted, false)) return Io::kInterrupted;
    if (ready()) return Io::kDone;
    if (deadline == kNever) {
      mine().changed.wait(lock);
    } else if (mine().changed.wait_until(lock, deadline) == std::cv_status::timeout) {
      if (std::exchange(mine().interrupted, false)) return Io::kInterrupted;
      return ready() ? Io::kDone : Io::kTimedOut;
    }
  }
}

IoResult InprocLane::read_parked(std::span<std::byte> into, TimePoint deadline) {
  Lock lock(link_->mutex);
  const Io waited = wait(lock, deadline, [this] {
    return incoming().used() > 0 || peer_gone() || !mine().failure.ok();
  });
  if (waited != Io::kDone) return {waited};
  const IoResult io = read_locked(into);
  if (io.outcome == Io::kDone && peer().wants_room) tell_peer(lock);
  return io;
}

IoResult InprocLane::wait_writable(TimePoint deadline) {
  Lock lock(link_->mutex);
  if (!mine().failure.ok()) return {Io::kFailed};
  return {wait(lock, deadline, [this] {
    return outgoing().room() > 0 || incoming().used() > 0 || peer_gone() || !mine().failure.ok();
  })};
}

Status InprocLane::take_descriptors(std::size_t count, std::vector<UniqueFd>& into) {
  InprocPipe::Batch batch;
  const std::lock_guard lock(link_->mutex);
  if (!mine().failure.ok()) return mine().failure;
  auto& batches = incoming().batches;
  const bool there = !batches.empty() && batches.front().position < incoming().read;
  if (there) {
    batch = std::move(batches.front());
    batches.pop_front();
  }
  if (!batch.lost.ok()) {
    fail(batch.lost);
  } else if (batch.descriptors.size() != count) {
    fail(Status::invalid_argument("the peer announced a message with " + std::to_string(count) +
                                  " descriptors, but sent " +
                                  std::to_string(batch.descriptors.size())));
  } else {
    into.insert(into.end(), std::make_move_iterator(batch.descriptors.begin()),
                std::make_move_iterator(batch.descriptors.end()));
  }
  return mine().failure;
}

bool InprocLane::arm() {
  const std::lock_guard lock(link_->mutex);
  mine().armed = true;
  const bool news = incoming().used() > 0 || peer_gone() || !mine().failure.ok() ||
                    (mine().wants_room && outgoing().room() > 0);
  return !news;
}

void InprocLane::disarm() {
  const std::lock_guard lock(link_->mutex);
  mine().armed = false;
}

IoResult InprocLane::on_control_readable() {
  const std::lock_guard lock(link_->mutex);
  if (!mine().failure.ok()) return {Io::kFailed};
  return {peer_gone() ? Io::kClosed : Io::kWouldBlock};
}

void InprocLane::set_ready_callback(std::function<void()> ready) {
  const std::lock_guard lock(mine().callback_mutex);
  mine().ready = std::move(ready);
}

void InprocLane::interrupt() noexcept {
  const std::lock_guard lock(link_->mutex);
  mine().interrupted = true;
  mine().changed.notify_all();
}

void InprocLane::hang_up() noexcept {
  const std::lock_guard lock(link_->mutex);
  mine().hung_up = true;
  mine().changed.notify_all();
}

Status InprocLane::failure() const {
  const std::lock_guard lock(link_->mutex);
  if (!mine().failure.ok()) return mine().failure;
  return peer_gone() ? Status::unavailable("the peer closed the connection") : Status();
}

std::pair<std::unique_ptr<Lane>, std::unique_ptr<Lane>> make_inproc_lanes(
    const InprocOptions& options) {
  auto link = std::make_shared<InprocLink>();
  for (InprocPipe& pipe : link->pipes) {
    pipe.ring.resize(std::max<std::size_t>(options.capacity, 1));
  }
  return {std::make_unique<InprocLane>(link, 0, options.first),
          std::make_unique<InprocLane>(link, 1, options.second)};
}

}  // namespace ferry::transports
