#include "transports/sys/interrupter.h"

#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace ferry::transports::sys {

Interrupter::~Interrupter() {
  const int fd = eventfd_.load();
  if (fd >= 0) ::close(fd);
}

void Interrupter::interrupt() noexcept {
  interrupted_.store(true);
  wake();
}

void Interrupter::wake() noexcept {
  const int fd = eventfd_.load();
  if (fd < 0) return;
  // It can only fail when the counter is full (eventfd(2)): then the waiter is woken anyway.
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t bytes = ::write(fd, &one, sizeof(one));
}

bool Interrupter::take() noexcept {
  return interrupted_.load(std::memory_order_relaxed) && interrupted_.exchange(false);
}

int Interrupter::prepare() noexcept {
  int fd = eventfd_.load();
  if (fd >= 0) return fd;
  const int made = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (made < 0) return -1;
  if (eventfd_.compare_exchange_strong(fd, made)) return made;
  ::close(made);  // the other half was first
  return fd;
}

void Interrupter::drain() noexcept {
  const int fd = eventfd_.load();
  if (fd < 0) return;
  std::uint64_t count = 0;
  // It fails when another waiter was first: then there is nothing to do.
  [[maybe_unused]] const ssize_t bytes = ::read(fd, &count, sizeof(count));
}

}  // namespace ferry::transports::sys
