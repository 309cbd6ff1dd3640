// Loop: a libuv loop, ferry's own or the user's, and handles on it that clean up after themselves.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <uv.h>

#include <ferry/result.h>

namespace ferry::drivers {

// libuv frees nothing: a handle's memory is ours again in its close callback, not before
// (docs.libuv.org, uv_close).
template <typename Handle>
void close_and_free(Handle* handle) {
  handle->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
}

// Thread safety: post() from any thread; everything else on the loop's thread, which is the one
// that runs it (before it runs: the one that made it).
class Loop {
 public:
  // `user`: a loop that somebody else runs; nullptr: one of our own.
  [[nodiscard]] static Result<std::unique_ptr<Loop>> create(uv_loop_t* user);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] uv_loop_t* uv() noexcept { return uv_; }
  // Runs `task` on the loop's thread, soon. It may destroy this loop's owner and the loop with it:
  // what was posted after it is then dropped.
  void post(std::function<void()> task);
  // Own loops only: runs until stop().
  void run();
  void stop();  // loop's thread
  // Runs what was posted and had no turn. For an own loop that is over.
  void run_posted();
  [[nodiscard]] bool on_thread() const noexcept {
    return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  // Whether ours is the only user of the loop.
  [[nodiscard]] bool own() const noexcept { return uv_ == &own_; }

 private:
  Loop() = default;

  uv_loop_t own_{};
  uv_loop_t* uv_ = nullptr;
  uv_async_t* wake_ = nullptr;
  std::atomic<std::thread::id> thread_{};
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

// Calls back while a descriptor is ready (uv_poll, level-triggered). The descriptor stays its
// owner's, who must destroy the Poll before closing it. A descriptor may have one Poll only
// (libuv's rule).
class Poll {
 public:
  // `events`: UV_READABLE, UV_WRITABLE, UV_DISCONNECT as they came.
  using Callback = std::function<void(int events)>;

  [[nodiscard]] static Result<std::unique_ptr<Poll>> create(Loop& loop, int fd, Callback callback);
  ~Poll();
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;

  void watch(int events);  // 0: none

 private:
  Poll() = default;
  void on_ready(int error, int ready);

  uv_poll_t* handle_ = nullptr;
  Callback callback_;
  int events_ = 0;
};

// Calls back once, after a time.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(std::chrono::nanoseconds after);  // again: from now. Rounded up to 1 ms, uv's unit
  void stop();

 private:
  uv_timer_t* handle_;
  std::function<void()> callback_;
};

}  // namespace ferry::drivers
