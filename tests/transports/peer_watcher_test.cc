// The thread that notices dead peers: once each, promptly, and gone with the last watch.
#include "transports/sys/peer_watcher.h"

#include <atomic>
#include <chrono>
#include <dirent.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/transports/lane_pair.h"

namespace ferry::transports::sys {
namespace {

using transports::testing::control_sockets;
using transports::testing::Ends;

bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

std::size_t threads() {
  std::size_t count = 0;
  DIR* directory = ::opendir("/proc/self/task");
  while (const dirent* entry = ::readdir(directory)) count += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(directory);
  return count;
}

TEST(PeerWatch, TellsOnceWhenThePeersEndIsClosed) {
  Ends ends = control_sockets();
  std::atomic<int> told{0};
  auto watch = PeerWatch::create(ends.server.get());
  ASSERT_TRUE(watch.ok()) << watch.status();
  watch->on_gone([&] { ++told; });
  ends.client.reset();
  EXPECT_TRUE(eventually([&] { return told == 1; }));
  watch->reset();
  EXPECT_EQ(told, 1);
}

TEST(PeerWatch, TellsOfAnEndThatCameBeforeAnybodyAsked) {
  Ends ends = control_sockets();
  ends.client.reset();
  auto watch = PeerWatch::create(ends.server.get());
  ASSERT_TRUE(watch.ok()) << watch.status();
  std::atomic<int> told{0};
  watch->on_gone([&] { ++told; });
  EXPECT_TRUE(eventually([&] { return told == 1; }));
}

TEST(PeerWatch, UnreadInputIsNoEnd) {
  Ends ends = control_sockets();
  Ends other = control_sockets();
  std::atomic<int> told{0};
  std::atomic<int> other_told{0};
  auto watch = PeerWatch::create(ends.server.get());
  auto other_watch = PeerWatch::create(other.server.get());
  ASSERT_TRUE(watch.ok() && other_watch.ok());
  watch->on_gone([&] { ++told; });
  other_watch->on_gone([&] { ++other_told; });
  ASSERT_EQ(::write(ends.client.get(), "x", 1), 1);
  other.client.reset();
  EXPECT_TRUE(eventually([&] { return other_told == 1; }));
  EXPECT_EQ(told, 0);
}

TEST(PeerWatch, TheThreadComesWithTheFirstWatchAndGoesWithTheLast) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the thread sanitizer starts a thread of its own at some time";
#endif
  const std::size_t before = threads();
  {
    Ends first = control_sockets();
    Ends second = control_sockets();
    auto one = PeerWatch::create(first.server.get());
    auto two = PeerWatch::create(second.server.get());
    ASSERT_TRUE(one.ok() && two.ok());
    EXPECT_EQ(threads(), before + 1);
    one->reset();
    EXPECT_EQ(threads(), before + 1);
  }
  EXPECT_TRUE(eventually([&] { return threads() == before; }));
}

TEST(PeerWatch, IsNeverToldAfterItsReset) {
  for (int i = 0; i < 500; ++i) {
    Ends ends = control_sockets();
    auto alive = std::make_unique<std::atomic<bool>>(true);
    auto watch = PeerWatch::create(ends.server.get());
    ASSERT_TRUE(watch.ok());
    watch->on_gone([flag = alive.get()] { EXPECT_TRUE(*flag); });
    std::thread closing([&] { ends.client.reset(); });
    watch->reset();
    *alive = false;
    alive.reset();
    closing.join();
  }
}

TEST(PeerWatch, AForkedChildCanWatchPeersOfItsOwn) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a sanitizer's own locks may be held by another thread at the fork";
#endif
  Ends ends = control_sockets();
  std::atomic<int> told{0};
  auto watch = PeerWatch::create(ends.server.get());
  ASSERT_TRUE(watch.ok());
  watch->on_gone([&] { ++told; });
  const pid_t child = ::fork();
  if (child == 0) {
    watch->reset();  // the parent's: must neither hang nor disturb it
    Ends own = control_sockets();
    std::atomic<int> own_told{0};
    auto own_watch = PeerWatch::create(own.server.get());
    if (!own_watch) ::_exit(1);
    own_watch->on_gone([&] { ++own_told; });
    own.client.reset();
    const bool heard = eventually([&] { return own_told == 1; });
    own_watch->reset();
    ::_exit(heard ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(told, 0);
  ends.client.reset();
  EXPECT_TRUE(eventually([&] { return told == 1; }));
}

}  // namespace
}  // namespace ferry::transports::sys
