#include "runtime/drivers/worker_pool.h"

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>

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
      ASSERT_EQ(pool.submit(task), Status());
    }
  }
  EXPECT_EQ(ran.load(), 1000);
}

TEST(WorkerPool, AFullQueueRefusesAndNamesItsLimit) {
  std::atomic<int> ran{0};
  Hold hold;
  std::array<Count, 3> tasks;
  for (Count& task : tasks) task.ran = &ran;
  {
    WorkerPool pool(1, 2);
    ASSERT_EQ(pool.submit(hold), Status());
    hold.started.get_future().wait();  // the only worker is busy, the queue empty
    EXPECT_EQ(pool.submit(tasks[0]), Status());
    EXPECT_EQ(pool.submit(tasks[1]), Status());
    const Status full = pool.submit(tasks[2]);
    EXPECT_EQ(full.code(), StatusCode::kResourceExhausted) << full;
    EXPECT_NE(full.message().find("call 3, ServerOptions::pool_queue is 2"), std::string::npos)
        << full;
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
  ASSERT_EQ(pool.submit(hold), Status());
  hold.started.get_future().wait();
  ASSERT_EQ(pool.submit(task), Status());
  while (ran.load() == 0) std::this_thread::yield();  // ctest's time limit bounds it
  hold.go.set_value();
}

TEST(WorkerPool, ClosingTellsWhenTheLastTaskHasRun) {
  Hold hold;
  std::atomic<int> told{0};
  std::atomic<int> ran{0};
  Count queued;
  queued.ran = &ran;
  WorkerPool pool(2, 8);
  ASSERT_EQ(pool.submit(hold), Status());
  hold.started.get_future().wait();
  ASSERT_EQ(pool.submit(queued), Status());
  std::promise<void> done;
  pool.close([&] {
    told.fetch_add(1);
    done.set_value();
  });
  EXPECT_EQ(told.load(), 0);
  Count late;
  EXPECT_EQ(pool.submit(late).code(), StatusCode::kUnavailable);
  hold.go.set_value();
  done.get_future().wait();  // ctest's time limit bounds it
  EXPECT_EQ(ran.load(), 1);
  pool.close([&] { told.fetch_add(1); });
  EXPECT_EQ(told.load(), 1);
}

TEST(WorkerPool, ClosingOneThatNeverRanTellsAtOnce) {
  bool told = false;
  WorkerPool pool(2, 8);
  pool.close([&] { told = true; });
  EXPECT_TRUE(told);
}

TEST(WorkerPool, HasNoThreadBeforeTheFirstTask) {
  WorkerPool pool(64, 8);  // destroyed without having started any: joins nothing
}

}  // namespace
}  // namespace ferry::drivers
