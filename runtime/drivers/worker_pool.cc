#include "runtime/drivers/worker_pool.h"

#include <string>
#include <system_error>
#include <utility>

namespace ferry::drivers {

WorkerPool::WorkerPool(std::size_t threads, std::size_t queue_most)
    : threads_most_(threads), queue_most_(queue_most) {
  ::sem_init(&ready_, 0, 0);  // cannot fail: private to this process, and zero is a legal value
}

WorkerPool::~WorkerPool() {
  close({});
  for (std::thread& thread : threads_) thread.join();
  ::sem_destroy(&ready_);
}

Status WorkerPool::submit(Task& task) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return Status::unavailable("the server is stopping");
    if (queued_ >= queue_most_) {
      return Status::resource_exhausted(
          "the server's queue of calls that wait for a worker is full: this would be call " +
          std::to_string(queued_ + 1) + ", ServerOptions::pool_queue is " +
          std::to_string(queue_most_));
    }
    if (threads_.empty()) {
      if (Status status = start_threads(); !status.ok()) return status;
    }
    task.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &task;
    last_ = &task;
    ++queued_;
  }
  ::sem_post(&ready_);
  return {};
}

void WorkerPool::close(std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
    for (std::size_t i = 0; i < threads_.size(); ++i) ::sem_post(&ready_);
    if (working_ > 0) {
      done_ = std::move(done);
      return;
    }
  }
  if (done) done();
}

Status WorkerPool::start_threads() {
  threads_.reserve(threads_most_);
  try {
    while (threads_.size() < threads_most_) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    // Fewer threads than asked for (RLIMIT_NPROC, a cgroup's pids.max) still serve.
    if (threads_.empty()) {
      return Status::resource_exhausted(std::string("start the server's first worker thread: ") +
                                        error.what());
    }
  }
  working_ = threads_.size();
  return {};
}

WorkerPool::Task* WorkerPool::take() {
  const std::lock_guard lock(mutex_);
  Task* task = first_;
  if (task == nullptr) return nullptr;
  first_ = task->next;
  if (first_ == nullptr) last_ = nullptr;
  --queued_;
  return task;
}

void WorkerPool::work() {
  for (;;) {
    while (::sem_wait(&ready_) != 0) {  // EINTR
    }
    Task* task = take();
    if (task == nullptr) break;  // closed, and nothing is left
    task->run();
  }
  leave();
}

void WorkerPool::leave() {
  std::function<void()> done;
  {
    const std::lock_guard lock(mutex_);
    if (--working_ == 0) done = std::move(done_);
  }
  if (done) done();
}

}  // namespace ferry::drivers
