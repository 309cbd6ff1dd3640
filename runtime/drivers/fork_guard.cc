#include "runtime/drivers/fork_guard.h"

#include <atomic>
#include <pthread.h>

namespace ferry::drivers {

namespace {

std::atomic<std::uint32_t>& generation() {
  static std::atomic<std::uint32_t> value{0};
  return value;
}

}  // namespace

std::uint32_t fork_generation() noexcept {
  // Failing to register (ENOMEM) leaves the guard off and harms nothing else.
  [[maybe_unused]] static const int registered = ::pthread_atfork(
      nullptr, nullptr, [] { generation().fetch_add(1, std::memory_order_relaxed); });
  return generation().load(std::memory_order_relaxed);
}

}  // namespace ferry::drivers
