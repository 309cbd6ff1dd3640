#include "runtime/drivers/loop.h"

#include <cassert>
#include <chrono>
#include <utility>

namespace ferry::drivers {

Result<std::unique_ptr<Loop>> Loop::create(uv_loop_t* user) {
  std::unique_ptr<Loop> loop(new Loop);
  if (user == nullptr) {
    if (const int error = uv_loop_init(&loop->own_); error != 0) {
      return Status::from_errno(-error, "make an event loop");
    }
    loop->uv_ = &loop->own_;
  } else {
    loop->uv_ = user;
  }
  auto* wake = new uv_async_t;
  const int error = uv_async_init(loop->uv_, wake, [](uv_async_t* handle) {
    if (handle->data != nullptr) static_cast<Loop*>(handle->data)->run_posted();
  });
  if (error != 0) {
    delete wake;
    return Status::from_errno(-error, "make an event loop's wake-up");
  }
  wake->data = loop.get();
  loop->wake_ = wake;
  loop->thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  return loop;
}

Loop::~Loop() {
  if (wake_ != nullptr) close_and_free(wake_);
  if (uv_ != &own_) return;  // the user's loop runs the close callbacks
  uv_run(uv_, UV_RUN_DEFAULT);
  const int closed = uv_loop_close(uv_);
  assert(closed == 0 && "a handle outlived its loop");
  static_cast<void>(closed);
}

void Loop::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(task));
  if (posted_.size() == 1) uv_async_send(wake_);
}

void Loop::run_posted() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  const std::weak_ptr<const bool> alive = alive_;
  for (auto& task : tasks) {
    if (alive.expired()) return;
    task();
  }
}

void Loop::run() {
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  uv_run(uv_, UV_RUN_DEFAULT);
}

void Loop::stop() { uv_stop(uv_); }

Result<std::unique_ptr<Poll>> Poll::create(Loop& loop, int fd, Callback callback) {
  std::unique_ptr<Poll> poll(new Poll);
  auto* handle = new uv_poll_t;
  if (const int error = uv_poll_init(loop.uv(), handle, fd); error != 0) {
    delete handle;
    return Status::from_errno(-error, "watch descriptor " + std::to_string(fd));
  }
  handle->data = poll.get();
  poll->handle_ = handle;
  poll->callback_ = std::move(callback);
  return poll;
}

Poll::~Poll() {
  if (handle_ == nullptr) return;
  uv_poll_stop(handle_);
  close_and_free(handle_);
}

void Poll::watch(int events) {
  if (events == events_) return;
  events_ = events;
  if (events == 0) {
    uv_poll_stop(handle_);
    return;
  }
  uv_poll_start(handle_, events, [](uv_poll_t* handle, int error, int ready) {
    if (handle->data != nullptr) static_cast<Poll*>(handle->data)->on_ready(error, ready);
  });
}

void Poll::on_ready(int error, int ready) {
  if (error != 0) {
    // libuv reports EPOLLERR (a peer that died with our bytes unread, say) as an error, without the
    // events, and stops watching. There may still be input before the end.
    ready = std::exchange(events_, 0) | UV_DISCONNECT;
    watch(ready & ~UV_DISCONNECT);
  }
  const Callback call = callback_;  // a copy: it may destroy the Poll
  call(ready);
}

Timer::Timer(Loop& loop, std::function<void()> callback)
    : handle_(new uv_timer_t), callback_(std::move(callback)) {
  uv_timer_init(loop.uv(), handle_);  // cannot fail
  handle_->data = this;
}

Timer::~Timer() { close_and_free(handle_); }

void Timer::start(std::chrono::nanoseconds after) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(after).count();
  uv_update_time(handle_->loop);  // the loop's idea of now may be as old as its last turn
  uv_timer_start(
      handle_,
      [](uv_timer_t* handle) {
        if (handle->data == nullptr) return;
        const auto call = static_cast<Timer*>(handle->data)->callback_;
        call();
      },
      ms < 0 ? 0 : static_cast<std::uint64_t>(ms), 0);
}

void Timer::stop() { uv_timer_stop(handle_); }

}  // namespace ferry::drivers
