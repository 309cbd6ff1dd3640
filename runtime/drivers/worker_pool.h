// WorkerPool: threads that run handlers, so that one that blocks delays nobody.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <semaphore.h>
#include <thread>
#include <vector>

#include <ferry/status.h>

namespace ferry::drivers {

// Thread safety: any thread may submit. Threads start with the first task, so a server whose
// services are all inline has none.
class WorkerPool {
 public:
  // Something to run once. The pool links tasks through `next` and owns none.
  class Task {
   public:
    virtual ~Task() = default;
    virtual void run() noexcept = 0;

   private:
    friend class WorkerPool;
    Task* next = nullptr;
  };

  WorkerPool(std::size_t threads, std::size_t queue_most);
  ~WorkerPool();  // as close(), then joins
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Queues `task`, which must live until it ran. Not queued: RESOURCE_EXHAUSTED when the queue is
  // full or no thread can be started, UNAVAILABLE after close().
  [[nodiscard]] Status submit(Task& task);
  // Takes no more tasks. `done` is called once, when everything queued has run: by the last worker,
  // or at once when there is none. Only the first close() counts.
  void close(std::function<void()> done);

 private:
  void work();
  void leave();
  [[nodiscard]] Task* take();
  [[nodiscard]] Status start_threads();

  const std::size_t threads_most_;
  const std::size_t queue_most_;
  // Counts the queued tasks, and one more a worker once the pool stops. A semaphore and not a
  // condition variable: a worker that wakes needs no lock that the submitter may still hold, so
  // handing a task over costs one system call on either side.
  sem_t ready_;
  std::mutex mutex_;
  Task* first_ = nullptr;  // below: guarded by mutex_
  Task* last_ = nullptr;
  std::size_t queued_ = 0;
  bool closed_ = false;
  std::size_t working_ = 0;  // threads that have not left yet
  std::function<void()> done_;
  std::vector<std::thread> threads_;
};

}  // namespace ferry::drivers
