#include "runtime/drivers/worker_pool.h"

#include <system_error>
#include <utility>

namespace ferry::drivers {

WorkerPool::WorkerPool(std::size_t threads, std::size_t queue_most)
    : threads_most_(threads), queue_most_(queue_most) {
  ::sem_init(&ready_, 0, 0);  // cannot fail: private to this process, and zero is a legal value
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  for (std::size_t i = 0; i < threads_.size(); ++i) ::sem_post(&ready_);
  for (std::thread& thread : threads_) thread.join();
  ::sem_destroy(&ready_);
}

bool WorkerPool::submit(Task& task) {
  {
    const std::lock_guard lock(mutex_);
    if (queued_ >= queue_most_ || stopping_) return false;
    if (threads_.empty() && !start_threads()) return false;
    task.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &task;
    last_ = &task;
    ++queued_;
  }
  ::sem_post(&ready_);
  return true;
}

bool WorkerPool::start_threads() {
  threads_.reserve(threads_most_);
  try {
    while (threads_.size() < threads_most_) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // Fewer threads than asked for (RLIMIT_NPROC, a cgroup's pids.max) still serve.
  }
  return !threads_.empty();
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
    if (task == nullptr) return;  // stopping, and nothing is left
    task->run();
  }
}

}  // namespace ferry::drivers
