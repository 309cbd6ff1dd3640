// memfd: what a client accepts from a server that may lie, and what a hostile peer can do to a
// lane.
#include <array>
#include <chrono>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include "tests/transports/lane_pair.h"
#include "transports/memfd/memfd.h"
#include "transports/ring/layout.h"
#include "transports/sys/shared_mapping.h"

namespace ferry::transports {
namespace {

using namespace std::chrono_literals;
using testing::control_sockets;
using testing::duplicates;
using testing::set_up_for;

constexpr std::size_t kRing = limits::kRingBytesLeast;
constexpr std::size_t kBytes = ring::segment_bytes(kRing);

class HostilePeer : public ::testing::TestWithParam<Trust> {
 protected:
  void SetUp() override {
    auto offer = memfd_transport().offer(set_up_for(GetParam(), kRing));
    ASSERT_TRUE(offer.ok()) << offer.status();
    passed_ = duplicates((*offer)->descriptors());
    testing::Ends control = control_sockets();
    control_ = std::move(control.client);
    auto lane = (*offer)->accept(std::move(control.server));
    ASSERT_TRUE(lane.ok()) << lane.status();
    lane_ = std::move(*lane);
    auto mapping = sys::SharedMapping::map(passed_[0].get(), kBytes, "the peer's");
    ASSERT_TRUE(mapping.ok()) << mapping.status();
    mapping_ = std::move(*mapping);
    view_.emplace(mapping_.get(), kRing, ring::Side::kClient);
  }
  bool ring() {
    if (passed_.size() == 2) return ::send(passed_[1].get(), "", 1, MSG_DONTWAIT) == 1;
    const std::uint64_t one = 1;
    return ::write(passed_[2].get(), &one, sizeof one) == sizeof one;
  }
  bool bell_is_ready() {
    pollfd entry{lane_->poll_set().readable, POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
  }

  std::vector<UniqueFd> passed_;
  UniqueFd control_;
  std::unique_ptr<Lane> lane_;
  sys::SharedMapping mapping_;
  std::optional<ring::View> view_;
};

INSTANTIATE_TEST_SUITE_P(Bells, HostilePeer, ::testing::Values(Trust::kSameUser, Trust::kHostile),
                         [](const auto& tested) {
                           return std::string(tested.param == Trust::kHostile ? "socketpair"
                                                                              : "eventfd");
                         });

IoResult write_some(Lane& lane, std::size_t bytes = 64) {
  std::vector<std::byte> data(bytes);
  const iovec piece{data.data(), data.size()};
  return lane.write({&piece, 1}, {});
}

TEST_P(HostilePeer, NoBellIsRungForAPeerThatIsAwake) {
  pollfd entry{passed_[1].get(), POLLIN, 0};
  EXPECT_EQ(write_some(*lane_).outcome, Io::kDone);
  EXPECT_EQ(::poll(&entry, 1, 0), 0);
  ring::Sleeper sleeper(view_->control->client.reader);
  sleeper.fall_asleep();
  EXPECT_EQ(write_some(*lane_).outcome, Io::kDone);
  EXPECT_EQ(::poll(&entry, 1, 0), 1);
}

TEST_P(HostilePeer, OneBellALoopMayMissNothingAndClearsInOneGo) {
  for (int round = 0; round < 1000; ++round) {
    ASSERT_TRUE(lane_->arm());
    ASSERT_TRUE(ring());
    ASSERT_TRUE(ring());
    ASSERT_TRUE(bell_is_ready());
    lane_->disarm();
    lane_->clear_bell();
    ASSERT_FALSE(bell_is_ready());
  }
  EXPECT_TRUE(lane_->failure().ok());
}

TEST_P(HostilePeer, AThousandBellsDoNoHarmAndEndlessOnesEndTheConnection) {
  std::array<std::byte, 64> into;
  for (int i = 0; i < 1000; ++i) ring();  // a socket's buffer is full long before
  EXPECT_EQ(lane_->read_parked(into, Clock::now() + 20ms).outcome, Io::kTimedOut);
  Io outcome = Io::kWouldBlock;
  for (std::uint32_t i = 0; i < 2 * limits::kEmptyBells; ++i) {
    ring();
    lane_->clear_bell();
    outcome = lane_->read(into).outcome;
    if (outcome != Io::kWouldBlock) break;
  }
  EXPECT_EQ(outcome, Io::kFailed);
  EXPECT_NE(lane_->failure().message().find("misbehaved"), std::string::npos) << lane_->failure();
}

TEST_P(HostilePeer, RingingAPeerThatNeverLooksNeverBlocks) {
  ring::Sleeper sleeper(view_->control->client.reader);
  ring::Reader reader(view_->input(), view_->input_data(), kRing);
  std::array<std::byte, 64> into;
  for (int i = 0; i < 2000; ++i) {
    sleeper.fall_asleep();
    ASSERT_EQ(write_some(*lane_).outcome, Io::kDone);
    ASSERT_EQ(reader.read(into), 64U);
  }
}

TEST_P(HostilePeer, ABellThatIsClosedIsTheEndAndDoesNotSpin) {
  if (GetParam() != Trust::kHostile) GTEST_SKIP() << "an eventfd has no end";
  ASSERT_EQ(::shutdown(passed_[1].get(), SHUT_RDWR), 0);
  ASSERT_TRUE(bell_is_ready());
  lane_->clear_bell();
  std::array<std::byte, 64> into;
  EXPECT_EQ(lane_->read(into).outcome, Io::kClosed);
}

TEST_P(HostilePeer, RubbishOnTheControlSocketFailsTheLane) {
  ASSERT_EQ(::send(control_.get(), "0123456789abcdef", 16, MSG_DONTWAIT), 16);
  EXPECT_EQ(lane_->on_control_readable().outcome, Io::kFailed);
  std::array<std::byte, 64> into;
  EXPECT_EQ(lane_->read(into).outcome, Io::kFailed);
  EXPECT_EQ(write_some(*lane_).outcome, Io::kFailed);
  EXPECT_EQ(lane_->wait_writable(kNever).outcome, Io::kFailed);
  EXPECT_FALSE(lane_->failure().ok());
}

TEST_P(HostilePeer, AnIndexOutOfRangeFailsTheLane) {
  std::array<std::byte, 64> into;
  view_->control->to_server.written.store(kRing + 1);
  EXPECT_EQ(lane_->read(into).outcome, Io::kFailed);
  EXPECT_EQ(write_some(*lane_).outcome, Io::kFailed);
  EXPECT_EQ(lane_->read_parked(into, kNever).outcome, Io::kFailed);
  EXPECT_NE(lane_->failure().message().find("misbehaved"), std::string::npos) << lane_->failure();
}

TEST_P(HostilePeer, AReaderIndexOutOfRangeFailsTheWriter) {
  view_->control->to_client.consumed.store(1);
  EXPECT_EQ(write_some(*lane_, kRing).outcome, Io::kDone);  // did not have to look
  EXPECT_EQ(view_->control->to_client.written.load(), kRing);
  view_->control->to_client.consumed.store(kRing + 1);
  EXPECT_EQ(write_some(*lane_).outcome, Io::kFailed);
}

// A child writes random words over the whole region, and rings, as fast as it can for a second; we
// read, write and park, on a new lane whenever one has failed.
TEST_P(HostilePeer, ScribblingOverEverythingForASecondOnlyFailsLanes) {
  const auto end = Clock::now() + 1s;
  std::size_t failed = 0;
  while (Clock::now() < end) {
    const pid_t child = ::fork();
    if (child == 0) {
      // The mapping does not survive the fork (MADV_DONTFORK), the descriptor does.
      auto own = sys::SharedMapping::map(passed_[0].get(), kBytes, "the child's");
      auto* words = reinterpret_cast<volatile std::uint64_t*>(own->get());
      std::uint64_t state = 88172645463325252U + failed;
      for (;;) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        words[state % (kBytes / 8)] = state % 3 == 0 ? state >> 50 : state;
        if (state % 1024 == 0) ring();
      }
    }
    std::array<std::byte, 8192> into;
    const auto give_up = Clock::now() + 200ms;
    while (Clock::now() < give_up) {
      const Io read = lane_->read(into).outcome;
      const Io written = write_some(*lane_, 300).outcome;
      static_cast<void>(lane_->arm());
      const Io parked = lane_->read_parked(into, Clock::now() + 1ms).outcome;
      const Io waited = lane_->wait_writable(Clock::now() + 1ms).outcome;
      if (read == Io::kFailed || written == Io::kFailed || parked == Io::kFailed ||
          waited == Io::kFailed || read == Io::kClosed) {
        ++failed;
        break;
      }
    }
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    SetUp();
  }
  EXPECT_GT(failed, 0U) << "nothing was scribbled on";
}

}  // namespace
}  // namespace ferry::transports
