// What a process that was killed between two system calls left under a name, and who removes it.
#include "transports/sys/leftovers.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <mqueue.h>
#include <sched.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/unique_fd.h>

#include "tests/support/processes.h"
#include "tests/transports/lane_pair.h"
#include "transports/mq/mq.h"

namespace ferry::transports::testing {
namespace {

using ferry::testing::Directory;
using ferry::testing::eventually;
using ferry::testing::names_in;

constexpr uid_t kForeignUid = 65534;  // "nobody" everywhere

class Leftovers : public ::testing::Test {
 protected:
  // Other tests make queues too, and so would remove what is left here on purpose: with an IPC
  // namespace of its own (as root) this test has the names to itself.
  void SetUp() override { alone_ = ::unshare(CLONE_NEWIPC) == 0; }

  // As a killed server leaves it. The path.
  std::string leave_fifo(const std::string& socket) const {
    const auto path = sys::fifo_name(directory_.path() + "/" + socket);
    EXPECT_TRUE(path.ok()) << path.status();
    EXPECT_EQ(::mkfifo(path->c_str(), 0600), 0);
    return *path;
  }
  // As a killed server leaves it. The queue.
  static UniqueFd leave_queue() {
    mq_attr geometry{};
    geometry.mq_maxmsg = 1;
    geometry.mq_msgsize = 8;
    UniqueFd queue;
    EXPECT_TRUE(eventually([&] {
      queue.reset(::mq_open(sys::queue_name().c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &geometry));
      return queue.valid();
    }));
    return queue;
  }
  static bool queue_there() {
    return UniqueFd(::mq_open(sys::queue_name().c_str(), O_RDONLY)).valid();
  }
  void sweep(const std::string& socket) const {
    const UniqueFd directory(::open(directory_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    sys::remove_leftovers(directory.get(), socket);
  }
  std::vector<std::string> names() const { return names_in(directory_.path()); }

  Directory directory_;
  bool alone_ = false;
};

TEST_F(Leftovers, FifosOfTheSocketGoAndNothingElseDoes) {
  leave_fifo("x");
  leave_fifo("x");
  leave_queue();
  const std::string other = leave_fifo("y");
  const std::string longer = leave_fifo("x.y");
  const std::string plain = directory_.path() + "/x." + std::string(32, '0') + ".fifo";
  std::ofstream(plain) << "a regular file of such a name";
  ASSERT_EQ(::mkfifo((directory_.path() + "/x.fifo").c_str(), 0600), 0);
  std::string odd = directory_.path() + "/x." + std::string(31, '0') + "g.fifo";
  ASSERT_EQ(::mkfifo(odd.c_str(), 0600), 0);
  sweep("x");
  std::vector<std::string> kept;
  for (const std::string& path : {other, longer, plain, odd}) {
    kept.push_back(std::filesystem::path(path).filename());
  }
  kept.emplace_back("x.fifo");
  std::sort(kept.begin(), kept.end());
  EXPECT_EQ(names(), kept);
  EXPECT_TRUE(eventually([] { return !queue_there(); }));
}

TEST_F(Leftovers, AnotherUsersStay) {
  if (!alone_) GTEST_SKIP() << "needs root, to be two users in an IPC namespace of its own";
  ASSERT_EQ(::chown(leave_fifo("x").c_str(), kForeignUid, kForeignUid), 0);
  const UniqueFd queue = leave_queue();
  ASSERT_EQ(::fchown(queue.get(), kForeignUid, kForeignUid), 0);
  sweep("x");
  EXPECT_EQ(names().size(), 1U);
  EXPECT_TRUE(queue_there());
  EXPECT_FALSE(sys::remove_queue_name());
  // Whoever took the name keeps nobody from queues.
  EXPECT_TRUE(mq_transport().offer(set_up_for(Trust::kSameUser)).ok());
  EXPECT_TRUE(queue_there());
  ::mq_unlink(sys::queue_name().c_str());
}

TEST_F(Leftovers, AQueueLeftBehindIsRemovedByWhoeverMakesTheNextOne) {
  leave_queue();
  EXPECT_TRUE(mq_transport().offer(set_up_for(Trust::kSameUser)).ok());
  EXPECT_TRUE(eventually([] { return !queue_there(); }));
}

// Processes of one user remove each other's names while each is between its two calls.
TEST_F(Leftovers, QueuesMadeAtOnceByManyProcessesAreEachOnesOwn) {
  constexpr int kRounds = 2000;
  const auto make = [] {
    for (int round = 0; round < kRounds; ++round) {
      const LanePair pair = make_pair(mq_transport(), set_up_for(Trust::kSameUser));
      if (!pair.client || !pair.server) return 1;
      const auto mark = static_cast<std::byte>(::getpid());
      const iovec part{const_cast<std::byte*>(&mark), 1};
      std::byte got[8] = {};
      if (pair.client->write({&part, 1}, {}).outcome != Io::kDone) return 2;
      if (pair.server->read_parked(got, kNever).bytes != 1 || got[0] != mark) return 3;
      if (pair.server->read(got).outcome != Io::kWouldBlock) return 4;
    }
    return 0;
  };
  ferry::testing::Process one(make);
  ferry::testing::Process two(make);
  ferry::testing::Process three(make);
  EXPECT_EQ(one.wait(), 0);
  EXPECT_EQ(two.wait(), 0);
  EXPECT_EQ(three.wait(), 0);
  EXPECT_TRUE(eventually([] { return !queue_there(); }));
}

TEST_F(Leftovers, ADirectoryThatCannotBeReadIsLeftAlone) {
  leave_fifo("x");
  sys::remove_leftovers(-1, "x");
  EXPECT_EQ(names().size(), 1U);
}

}  // namespace
}  // namespace ferry::transports::testing
