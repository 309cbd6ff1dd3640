// memfd: what a client accepts from a server that may lie, and what a hostile peer can do to a
// lane.
#include <string>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include "tests/transports/lane_pair.h"
#include "transports/memfd/memfd.h"
#include "transports/memfd/sealed_memory.h"
#include "transports/ring/layout.h"

namespace ferry::transports {
namespace {

using testing::control_sockets;
using testing::duplicates;
using testing::set_up_for;

constexpr std::size_t kRing = limits::kRingBytesLeast;
constexpr std::size_t kBytes = ring::segment_bytes(kRing);

// What the server passes, to be spoiled one by one. [0] the memory, [1] own eventfd, [2] the
// server's.
class MemfdJoin : public ::testing::Test {
 protected:
  void SetUp() override {
    auto offer = memfd_transport().offer(set_up_for(trust_, kRing));
    ASSERT_TRUE(offer.ok()) << offer.status();
    offer_ = std::move(*offer);
    passed_ = duplicates(offer_->descriptors());
  }
  Status join(std::uint64_t parameter = kRing) {
    testing::Ends control = control_sockets();
    auto lane = memfd_transport().join(set_up_for(trust_, kRing), parameter, std::move(passed_),
                                       control.client);
    EXPECT_NE(lane.ok(), control.client.valid()) << "a failed join must leave the socket";
    return lane.status();
  }

  Trust trust_ = Trust::kSameUser;
  std::unique_ptr<Offer> offer_;
  std::vector<UniqueFd> passed_;
};

UniqueFd memory(unsigned flags, std::size_t bytes, int seals) {
  UniqueFd fd(::memfd_create("test", flags | MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return {};
  if (seals != 0 && ::fcntl(fd.get(), F_ADD_SEALS, seals) != 0) return {};
  return fd;
}

TEST_F(MemfdJoin, TakesWhatAnHonestServerPassed) { EXPECT_TRUE(join().ok()); }

TEST_F(MemfdJoin, RefusesMemoryThatCouldShrinkOrGrow) {
  for (const int seals : {0, F_SEAL_SHRINK, F_SEAL_GROW}) {
    passed_ = duplicates(offer_->descriptors());
    passed_[0] = memory(0, kBytes, seals);
    const Status status = join();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("not sealed"), std::string::npos) << status;
  }
}

TEST_F(MemfdJoin, RefusesAnyOtherSize) {
  for (const std::size_t bytes : {std::size_t{0}, kBytes - 1, kBytes + 1, 2 * kBytes}) {
    passed_ = duplicates(offer_->descriptors());
    passed_[0] = memory(0, bytes, F_SEAL_SHRINK | F_SEAL_GROW);
    EXPECT_EQ(join().code(), StatusCode::kInvalidArgument) << bytes;
  }
  passed_ = duplicates(offer_->descriptors());
  EXPECT_EQ(join(2 * kRing).code(), StatusCode::kInvalidArgument);
}

TEST_F(MemfdJoin, RefusesARingSizeThatIsNone) {
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{kRing} + 8, ~std::uint64_t{0}, std::uint64_t{1} << 40}) {
    passed_ = duplicates(offer_->descriptors());
    EXPECT_EQ(join(bytes).code(), StatusCode::kInvalidArgument) << bytes;
  }
}

TEST_F(MemfdJoin, RefusesHugePages) {
  constexpr std::size_t kHuge = std::size_t{2} << 20;
  UniqueFd huge = memory(MFD_HUGETLB, kHuge, F_SEAL_SHRINK | F_SEAL_GROW);
  if (!huge) GTEST_SKIP() << "no huge pages here";
  EXPECT_EQ(memfd::check_sealed_memory(huge.get(), kHuge).code(), StatusCode::kInvalidArgument);
}

TEST_F(MemfdJoin, RefusesEveryOtherKindOfDescriptorAsMemory) {
  testing::Ends sockets = control_sockets();
  int pipe_ends[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
  const UniqueFd read_end(pipe_ends[0]);
  const UniqueFd write_end(pipe_ends[1]);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const UniqueFd directory(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd path(::open("/proc/self/exe", O_PATH | O_CLOEXEC));
  const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
  for (const int fd : {sockets.server.get(), read_end.get(), null.get(), directory.get(),
                       path.get(), file.get(), event.get()}) {
    passed_ = duplicates(offer_->descriptors());
    passed_[0].reset(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    EXPECT_EQ(join().code(), StatusCode::kInvalidArgument);
  }
}

TEST_F(MemfdJoin, RefusesMemoryThatItMayNotWrite) {
  const std::string path = "/proc/self/fd/" + std::to_string(passed_[0].get());
  passed_[0].reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(join().ok());
}

TEST_F(MemfdJoin, RefusesTooFewAndTooManyDescriptors) {
  passed_.clear();
  EXPECT_EQ(join().code(), StatusCode::kInvalidArgument);
  passed_ = duplicates(offer_->descriptors());
  passed_.resize(1);
  EXPECT_EQ(join().code(), StatusCode::kInvalidArgument);
  passed_ = duplicates(offer_->descriptors());
  passed_.emplace_back(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  EXPECT_EQ(join().code(), StatusCode::kInvalidArgument);
}

TEST_F(MemfdJoin, RefusesDoorbellsOfAnotherKindOrThatBlock) {
  for (const std::size_t at : {1U, 2U}) {
    passed_ = duplicates(offer_->descriptors());
    passed_[at] = memory(0, kBytes, 0);
    EXPECT_EQ(join().code(), StatusCode::kInvalidArgument);
    passed_ = duplicates(offer_->descriptors());
    passed_[at].reset(::eventfd(0, EFD_CLOEXEC));
    const Status status = join();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("could block"), std::string::npos) << status;
  }
}

TEST_F(MemfdJoin, RefusesASocketThatIsNotAConnectedUnixStream) {
  passed_.resize(2);
  passed_[1].reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(join().code(), StatusCode::kInvalidArgument);
  passed_ = duplicates(offer_->descriptors());
  passed_.resize(2);
  passed_[1].reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(join().code(), StatusCode::kInvalidArgument);
}

TEST_F(MemfdJoin, AHostileServersEventfdsAreRefusedInWords) {
  trust_ = Trust::kHostile;
  const Status status = join();
  EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
  EXPECT_NE(status.message().find("eventfd"), std::string::npos) << status;
}

TEST_F(MemfdJoin, NobodyCanResizeTheMemory) {
  EXPECT_NE(::ftruncate(passed_[0].get(), 0), 0);
  EXPECT_NE(::ftruncate(passed_[0].get(), static_cast<off_t>(2 * kBytes)), 0);
  EXPECT_NE(::fcntl(passed_[0].get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
}

TEST(MemfdOffer, AFullDescriptorTableIsNamed) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{3, 3};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto offer = memfd_transport().offer(set_up_for(Trust::kSameUser));
    const Status status = offer.status();
    const bool named = status.code() == StatusCode::kResourceExhausted &&
                       status.message().find("RLIMIT_NOFILE is 3") != std::string::npos;
    ::_exit(named ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace ferry::transports
