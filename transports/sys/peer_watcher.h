// PeerWatch: notices the death of peers for lanes whose waiting cannot.
//
// A thread asleep on a semaphore does not see that the control socket has closed. One thread for
// the whole process does, for all such lanes: it is started with the first watch and stopped with
// the last.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include <ferry/result.h>

namespace ferry::transports::sys {

// Thread safety: as for a pointer; different watches may be used by different threads.
class PeerWatch {
 public:
  PeerWatch() noexcept = default;
  PeerWatch(PeerWatch&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
  PeerWatch& operator=(PeerWatch&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  PeerWatch(const PeerWatch&) = delete;
  PeerWatch& operator=(const PeerWatch&) = delete;
  // When this returns, the callback is not being called and never will be. Must not run inside one.
  ~PeerWatch() { reset(); }
  void reset() noexcept;

  // Watches `socket`, which must stay open until the watch is gone.
  [[nodiscard]] static Result<PeerWatch> create(int socket);
  // `gone` is called once, when the peer's end of the socket is closed, or at once when it already
  // is. On the watcher's thread or this one; must not block.
  void on_gone(std::function<void()> gone);

 private:
  explicit PeerWatch(std::uint64_t id) noexcept : id_(id) {}

  std::uint64_t id_ = 0;
};

}  // namespace ferry::transports::sys
