// shm: whom it is offered to, what a client accepts, and what a faulty peer's semaphores can do.
#include "transports/shm/shm.h"

#include <array>
#include <chrono>
#include <sched.h>
#include <semaphore.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include "tests/transports/lane_pair.h"
#include "transports/ring/layout.h"
#include "transports/shm/semaphores.h"
#include "transports/sys/shared_mapping.h"

namespace ferry::transports {
namespace {

using namespace std::chrono_literals;
using testing::control_sockets;
using testing::duplicates;
using testing::set_up_for;

constexpr std::size_t kRing = limits::kRingBytesLeast;
constexpr std::size_t kBytes = ring::segment_bytes(kRing);

TEST(ShmPermits, OneUserThatIsNotHostile) {
  const Transport& shm = shm_transport();
  EXPECT_TRUE(shm.permits(set_up_for(Trust::kSameUser).peer).ok());
  EXPECT_TRUE(shm.permits(set_up_for(Trust::kFull).peer).ok());
  const Status hostile = shm.permits(set_up_for(Trust::kHostile).peer);
  EXPECT_EQ(hostile.code(), StatusCode::kPermissionDenied);
  EXPECT_NE(hostile.message().find("hostile"), std::string::npos) << hostile;
  Peer foreign = set_up_for(Trust::kFull).peer;
  foreign.uid += 1;
  const Status refused = shm.permits(foreign);
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_NE(refused.message().find("uid " + std::to_string(foreign.uid)), std::string::npos)
      << refused;
}

TEST(ShmPermits, OfferAndJoinAskToo) {
  const auto set_up = set_up_for(Trust::kHostile, kRing);
  EXPECT_EQ(shm_transport().offer(set_up).status().code(), StatusCode::kPermissionDenied);
  testing::Ends control = control_sockets();
  EXPECT_EQ(shm_transport().join(set_up, kRing, {}, control.client).status().code(),
            StatusCode::kPermissionDenied);
}

TEST(ShmOffer, LeavesNoName) {
  auto offer = shm_transport().offer(set_up_for(Trust::kSameUser));
  ASSERT_TRUE(offer.ok()) << offer.status();
  struct stat about {};
  ASSERT_EQ(::fstat((*offer)->descriptors().front(), &about), 0);
  EXPECT_EQ(about.st_nlink, 0U);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST(ShmJoin, RefusesAnyOtherMemory) {
  const auto set_up = set_up_for(Trust::kSameUser, kRing);
  auto offer = shm_transport().offer(set_up);
  ASSERT_TRUE(offer.ok()) << offer.status();
  const auto join = [&](std::vector<UniqueFd> passed, std::uint64_t parameter) {
    testing::Ends control = control_sockets();
    auto lane = shm_transport().join(set_up, parameter, std::move(passed), control.client);
    EXPECT_NE(lane.ok(), control.client.valid()) << "a failed join must leave the socket";
    return lane.status().code();
  };
  EXPECT_EQ(join({}, kRing), StatusCode::kInvalidArgument);
  EXPECT_EQ(join(duplicates((*offer)->descriptors()), 2 * kRing), StatusCode::kInvalidArgument);
  EXPECT_EQ(join(duplicates((*offer)->descriptors()), kRing + 1), StatusCode::kInvalidArgument);
  std::vector<UniqueFd> event;
  event.emplace_back(::eventfd(0, EFD_CLOEXEC));
  EXPECT_EQ(join(std::move(event), kRing), StatusCode::kInvalidArgument);
  std::vector<UniqueFd> file;
  file.emplace_back(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(join(std::move(file), kRing), StatusCode::kInvalidArgument);
  EXPECT_EQ(join(duplicates((*offer)->descriptors()), kRing), StatusCode::kOk);
}

TEST(ShmOffer, AFullFileSystemIsResourceExhausted) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=64k") != 0) {
      ::_exit(2);
    }
    const Status status = shm_transport().offer(set_up_for(Trust::kSameUser)).status();
    const bool named = status.code() == StatusCode::kResourceExhausted &&
                       status.message().find("/dev/shm") != std::string::npos;
    ::_exit(named ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no mount namespace to be had here";
  EXPECT_EQ(status, 0);
}

TEST(ShmOffer, AFullDescriptorTableIsNamed) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{3, 3};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const Status status = shm_transport().offer(set_up_for(Trust::kSameUser)).status();
    const bool named = status.code() == StatusCode::kResourceExhausted &&
                       status.message().find("RLIMIT_NOFILE is 3") != std::string::npos;
    ::_exit(named ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// ---- a faulty peer, with the memory in its hands

class FaultyPeer : public ::testing::Test {
 protected:
  void SetUp() override {
    auto offer = shm_transport().offer(set_up_for(Trust::kSameUser, kRing));
    ASSERT_TRUE(offer.ok()) << offer.status();
    auto mapping = sys::SharedMapping::map((*offer)->descriptors().front(), kBytes, "the peer's");
    ASSERT_TRUE(mapping.ok()) << mapping.status();
    mapping_ = std::move(*mapping);
    testing::Ends control = control_sockets();
    control_ = std::move(control.client);
    auto lane = (*offer)->accept(std::move(control.server));
    ASSERT_TRUE(lane.ok()) << lane.status();
    lane_ = std::move(*lane);
  }
  ring::Control& memory() {
    return *ring::View(mapping_.get(), kRing, ring::Side::kClient).control;
  }
  sem_t& bell() { return shm::bells_of(memory()).server.reader; }

  sys::SharedMapping mapping_;
  UniqueFd control_;
  std::unique_ptr<Lane> lane_;
};

TEST_F(FaultyPeer, PostsImplyNoData) {
  for (int i = 0; i < 1000; ++i) ::sem_post(&bell());
  std::array<std::byte, 64> into;
  EXPECT_EQ(lane_->read_parked(into, Clock::now() + 20ms).outcome, Io::kTimedOut);
  EXPECT_TRUE(lane_->failure().ok());
}

TEST_F(FaultyPeer, EndlessPostsEndTheConnectionInsteadOfBurningTheCpu) {
  ::sem_destroy(&bell());
  ::sem_init(&bell(), 1, 0x7fffffff);
  std::array<std::byte, 64> into;
  EXPECT_EQ(lane_->read_parked(into, kNever).outcome, Io::kFailed);
  EXPECT_NE(lane_->failure().message().find("misbehaved"), std::string::npos) << lane_->failure();
}

TEST_F(FaultyPeer, AnInterruptStillWorksWithAFullSemaphore) {
  ::sem_destroy(&bell());
  ::sem_init(&bell(), 1, 0x7fffffff);
  lane_->interrupt();
  std::array<std::byte, 64> into;
  EXPECT_EQ(lane_->read_parked(into, kNever).outcome, Io::kInterrupted);
}

TEST_F(FaultyPeer, AnIndexOutOfRangeFailsTheLane) {
  memory().to_server.written.store(kRing + 1);
  std::array<std::byte, 64> into;
  EXPECT_EQ(lane_->read(into).outcome, Io::kFailed);
  EXPECT_EQ(lane_->read_parked(into, kNever).outcome, Io::kFailed);
}

TEST_F(FaultyPeer, TheEndOfTheControlSocketEndsAParkedRead) {
  control_.reset();
  std::array<std::byte, 64> into;
  EXPECT_EQ(lane_->read_parked(into, kNever).outcome, Io::kClosed);
}

}  // namespace
}  // namespace ferry::transports
