// Nothing of a lane stays in the kernel or in the file system, however either process ends.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mqueue.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/lanes.h"
#include "tests/conformance/traffic.h"

namespace ferry::transports::testing {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string text_of(const char* path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// How many queues this user may still make. A queue without a name is charged as well, and seen
// nowhere else.
std::size_t queue_headroom() {
  std::vector<mqd_t> queues;
  for (;;) {
    const std::string name = "/ferry-test-headroom-" + std::to_string(::getpid());
    mq_attr geometry{};
    geometry.mq_maxmsg = 1;
    geometry.mq_msgsize = 8192;
    const mqd_t queue = ::mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &geometry);
    if (queue == static_cast<mqd_t>(-1)) break;
    ::mq_unlink(name.c_str());
    queues.push_back(queue);
  }
  for (const mqd_t queue : queues) ::mq_close(queue);
  return queues.size();
}

// What processes may leave behind.
struct KernelObjects {
  std::vector<std::string> shared_memory = names_in("/dev/shm");
  std::size_t queues = queue_headroom();
  std::string sysv =
      text_of("/proc/sysvipc/msg") + text_of("/proc/sysvipc/sem") + text_of("/proc/sysvipc/shm");
};

class LaneLeavesNothing : public LaneTest {
 protected:
  void SetUp() override {
    LaneTest::SetUp();
    kind_ = GetParam();
    std::array<char, 32> name{"/tmp/ferry-test-XXXXXX"};
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    kind_.directory = name.data();
  }
  // Other programs come and go, so what counts is what stays.
  void TearDown() override {
    lanes_ = {};
    EXPECT_EQ(names_in(kind_.directory), std::vector<std::string>());
    fs::remove_all(kind_.directory);
    const TimePoint end = in(std::chrono::seconds(20));
    while (left() != "" && Clock::now() < end) std::this_thread::yield();
    EXPECT_EQ(left(), "");
    LaneTest::TearDown();
  }

  LaneCase kind_;

 private:
  // What is there that was not there before.
  std::string left() const {
    const KernelObjects now;
    std::vector<std::string> more;
    std::set_difference(now.shared_memory.begin(), now.shared_memory.end(),
                        before_.shared_memory.begin(), before_.shared_memory.end(),
                        std::back_inserter(more));
    std::string text;
    for (const std::string& name : more) text += "/dev/shm/" + name + "\n";
    if (now.queues < before_.queues) {
      text += std::to_string(before_.queues - now.queues) + " queues\n";
    }
    if (now.sysv != before_.sysv) text += now.sysv;
    return text;
  }

  KernelObjects before_;
};
INSTANTIATE_TEST_SUITE_P(All, LaneLeavesNothing, ::testing::ValuesIn(lanes_between_processes()),
                         case_name);

TEST_P(LaneLeavesNothing, WhenItIsOpenButInTheDescriptors) {
  lanes_ = make_lanes(kind_);
  ASSERT_EQ(write_all(first(), stretch(0, 1000)), Io::kDone);
  // No name to find, for whoever looks while the lane is in use.
  EXPECT_EQ(names_in(kind_.directory), std::vector<std::string>());
}

TEST_P(LaneLeavesNothing, WhenItIsClosedWithDataAndDescriptorsInIt) {
  lanes_ = make_lanes(kind_);
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int lent = file.get();
  ASSERT_EQ(write_all(first(), stretch(0, 1000), {&lent, 1}), Io::kDone);
  ASSERT_EQ(write_all(second(), stretch(0, 1000), {&lent, 1}), Io::kDone);
}

TEST_P(LaneLeavesNothing, WhenAnOfferIsDropped) {
  const auto offer =
      kind_.transport->offer({.peer = {::getpid(), ::geteuid(), ::getegid(), kind_.trust},
                              .rendezvous = kind_.directory + "/s.sock"});
  ASSERT_TRUE(offer.ok()) << offer.status();
  EXPECT_EQ(names_in(kind_.directory), std::vector<std::string>());
}

TEST_P(LaneLeavesNothing, WhenTheClientHangsUpBeforeItJoins) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ServerHalf server(kind_, UniqueFd(ends[0]));
  UniqueFd client(ends[1]);
  server.start();
  client.reset();
}

TEST_P(LaneLeavesNothing, WhenThePeerIsKilled) {
  ForkedPeer peer(kind_, [](Lane& lane, const ForkedPeer::Stage& stage) {
    static_cast<void>(write_all(lane, stretch(0, 1000)));
    stage.reached();
    ForkedPeer::Stage::wait_for_kill();
  });
  ASSERT_TRUE(peer.wait_for_stage());
  peer.kill();
  expect_stream(peer.lane(), 1000, 500, 1);
}

TEST_P(LaneLeavesNothing, WhenBothProcessesAreKilled) {
  // A child of ours that has a peer of its own. The peer dies with it.
  int report[2] = {-1, -1};
  ASSERT_EQ(::pipe2(report, O_CLOEXEC), 0);
  const UniqueFd ready(report[0]);
  UniqueFd tell(report[1]);
  {
    const LaneCase kind = kind_;
    ForkedPeer pair({.transport = find_transport("unix")},
                    [&](Lane&, const ForkedPeer::Stage& stage) {
                      ForkedPeer peer(kind, [](Lane& lane, const ForkedPeer::Stage& inner) {
                        static_cast<void>(write_all(lane, stretch(0, 1000)));
                        inner.reached();
                        ForkedPeer::Stage::wait_for_kill();
                      });
                      if (!peer.wait_for_stage()) ::_exit(1);
                      static_cast<void>(write_all(peer.lane(), stretch(0, 1000)));
                      stage.reached();
                      ForkedPeer::Stage::wait_for_kill();
                    });
    ASSERT_TRUE(pair.wait_for_stage());
    tell.reset();
    pair.kill();
  }
  // Both processes had the other end: end-of-file says that both are gone.
  char nothing = 0;
  EXPECT_EQ(::read(ready.get(), &nothing, 1), 0);
}

}  // namespace
}  // namespace ferry::transports::testing
