#include "runtime/drivers/worker_pool.h"

#include <array>
#include <atomic>
#include <future>
#include <memory>

#include <gtest/gtest.h>

namespace ferry::drivers {
namespace {

struct Count final : WorkerPool::Task {
  void run() noexcept override { ran->fetch_add(1); }
  std::atomic<int>* ran = nullptr;
};

// Keeps a worker until it is let go.
struct Hold final : WorkerPool::Task {
  void run() noexcept override {
    started.set_value();
    go.get_future().wait();
  }
  std::promise<void> started;
  std::promise<void> go;
};

TEST(WorkerPool, RunsEveryTaskOnce) {
  std::atomic<int> ran{0};
  std::array<Count, 1000> tasks;
  {
    WorkerPool pool(3, tasks.size());
    for (Count& task : tasks) {
      task.ran = &ran;
      ASSERT_TRUE(pool.submit(task));
    }
  }
  EXPECT_EQ(ran.load(), 1000);
}

TEST(WorkerPool, AFullQueueRefusesAndSaysSo) {
  std::atomic<int> ran{0};
  Hold hold;
  std::array<Count, 3> tasks;
  for (Count& task : tasks) task.ran = &ran;
  {
    WorkerPool pool(1, 2);
    ASSERT_TRUE(pool.submit(hold));
    hold.started.get_future().wait();  // the only worker is busy, the queue empty
    EXPECT_TRUE(pool.submit(tasks[0]));
    EXPECT_TRUE(pool.submit(tasks[1]));
    EXPECT_FALSE(pool.submit(tasks[2]));
    hold.go.set_value();
  }
  EXPECT_EQ(ran.load(), 2);
}

TEST(WorkerPool, ABlockedTaskDelaysNoOther) {
  Hold hold;
  std::atomic<int> ran{0};
  Count task;
  task.ran = &ran;
  WorkerPool pool(2, 8);
  ASSERT_TRUE(pool.submit(hold));
  hold.started.get_future().wait();
  ASSERT_TRUE(pool.submit(task));
  while (ran.load() == 0) std::this_thread::yield();  // ctest's time limit bounds it
  hold.go.set_value();
}

TEST(WorkerPool, HasNoThreadBeforeTheFirstTask) {
  WorkerPool pool(64, 8);  // destroyed without having started any: joins nothing
}

}  // namespace
}  // namespace ferry::drivers
