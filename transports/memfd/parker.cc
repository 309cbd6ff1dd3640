#include "transports/memfd/parker.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "transports/sys/deadline.h"
#include "transports/sys/os_error.h"

namespace ferry::transports::memfd {

namespace {

// What epoll_wait() is asked for at most: its milliseconds are an int.
constexpr std::chrono::seconds kLongWait{1'000'000};

constexpr std::uint32_t kBellTag = 0;
constexpr std::uint32_t kWakeTag = 1;
constexpr std::uint32_t kControlTag = 2;

bool watch(int epoll, int fd, std::uint32_t events, std::uint32_t tag) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u32 = tag;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Result<std::unique_ptr<Parker>> Parker::create(int bell, int control, Control how) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return sys::os_error(errno, "making the epoll that a lane sleeps on");
  UniqueFd waker(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!waker) return sys::os_error(errno, "making the eventfd that interrupts a lane");
  const std::uint32_t edge = how == Control::kEdge ? EPOLLET : 0U;
  if (!watch(epoll.get(), bell, EPOLLIN | EPOLLET, kBellTag) ||
      !watch(epoll.get(), waker.get(), EPOLLIN | EPOLLET, kWakeTag) ||
      !watch(epoll.get(), control, EPOLLIN | EPOLLRDHUP | edge, kControlTag)) {
    return sys::os_error(errno, "watching a lane's doorbell");
  }
  return std::unique_ptr<Parker>(new Parker(std::move(epoll), std::move(waker)));
}

int Parker::wait(epoll_event* events, int most, TimePoint deadline) noexcept {
  timespec storage{};
  const timespec* left = sys::time_left(deadline, storage);
  if (left == nullptr) return ::epoll_wait(epoll_.get(), events, most, -1);
  if (has_pwait2_) {
    const int count = ::epoll_pwait2(epoll_.get(), events, most, left, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    has_pwait2_ = false;  // Linux before 5.11
  }
  // Rounded up: waking early would be a busy loop until the deadline.
  const std::int64_t milliseconds = std::min<std::int64_t>(left->tv_sec, kLongWait.count()) * 1000 +
                                    left->tv_nsec / 1'000'000 + 1;
  return ::epoll_wait(epoll_.get(), events, most, static_cast<int>(milliseconds));
}

Parker::Woken Parker::park(TimePoint deadline) noexcept {
  epoll_event events[3];
  for (;;) {
    const int count = wait(events, 3, deadline);
    if (count == 0) {
      // wait() may take less than was asked for.
      if (deadline != kNever && Clock::now() < deadline) continue;
      return Woken::kTimedOut;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Woken::kFailed;
    bool bell = false;
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u32 == kControlTag) return Woken::kControl;
      bell |= events[i].data.u32 == kBellTag;
    }
    return bell ? Woken::kBell : Woken::kWoken;
  }
}

void Parker::wake() noexcept {
  const std::uint64_t one = 1;
  // Can't fail: the counter would have to reach 2^64 - 1.
  static_cast<void>(!::write(waker_.get(), &one, sizeof one));
}

}  // namespace ferry::transports::memfd
