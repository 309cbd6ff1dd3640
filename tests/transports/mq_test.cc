// What only queues have: a budget, messages, and descriptions whose flags a peer may share.
#include "transports/mq/mq.h"

#include <array>
#include <fcntl.h>
#include <mqueue.h>
#include <numeric>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/limits.h>

#include "tests/support/processes.h"
#include "tests/transports/lane_pair.h"

namespace ferry::transports::testing {
namespace {

// The limit of this process for as long as it lives.
class Limit {
 public:
  Limit(decltype(RLIMIT_NOFILE) which, rlim_t value) : which_(which) {
    EXPECT_EQ(::getrlimit(which_, &old_), 0);
    const rlimit lower{value, old_.rlim_max};
    EXPECT_EQ(::setrlimit(which_, &lower), 0);
  }
  ~Limit() { ::setrlimit(which_, &old_); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  decltype(RLIMIT_NOFILE) which_;
  rlimit old_{};
};

TEST(Mq, ABudgetThatIsUsedUpIsNamedWithItsValueAndWhatWasAsked) {
  const Limit budget(RLIMIT_MSGQUEUE, 12'345);
  const auto offer = mq_transport().offer(set_up_for(Trust::kSameUser));
  ASSERT_FALSE(offer.ok());
  EXPECT_EQ(offer.status().code(), StatusCode::kResourceExhausted);
  const std::string text = offer.status().message();
  EXPECT_NE(text.find("RLIMIT_MSGQUEUE"), std::string::npos) << text;
  EXPECT_NE(text.find("12345"), std::string::npos) << text;
  EXPECT_NE(text.find("two queues of 4 messages of 8192 bytes"), std::string::npos) << text;
}

TEST(Mq, AFullDescriptorTableIsNotTakenForTheBudget) {
  Result<std::unique_ptr<Offer>> offer = Status::internal("not tried");
  {
    const Limit table(RLIMIT_NOFILE, 3);
    offer = mq_transport().offer(set_up_for(Trust::kSameUser));
  }
  ASSERT_FALSE(offer.ok());
  EXPECT_EQ(offer.status().code(), StatusCode::kResourceExhausted);
  EXPECT_NE(offer.status().message().find("RLIMIT_NOFILE"), std::string::npos) << offer.status();
}

// A queue that stayed behind would be charged to this user: a few hundred use up any budget.
TEST(Mq, OffersAndLanesGiveAllTheirQueuesBack) {
  const std::size_t before = ferry::testing::open_descriptors();
  for (int round = 0; round < 100; ++round) {
    const LanePair pair = make_pair(mq_transport(), set_up_for(Trust::kSameUser));
    ASSERT_TRUE(pair.server && pair.client) << "round " << round;
    ASSERT_TRUE(mq_transport().offer(set_up_for(Trust::kSameUser)).ok()) << "round " << round;
  }
  // The first queue of a pair whose second does not fit goes as well.
  for (int round = 0; round < 100; ++round) {
    const Limit budget(RLIMIT_MSGQUEUE, 40'000);
    ASSERT_FALSE(mq_transport().offer(set_up_for(Trust::kSameUser)).ok());
  }
  EXPECT_TRUE(mq_transport().offer(set_up_for(Trust::kSameUser)).ok());
  EXPECT_EQ(ferry::testing::open_descriptors(), before);
}

TEST(Mq, JoinRefusesWhatIsNoQueueAndKeepsTheControlSocket) {
  auto offer = mq_transport().offer(set_up_for(Trust::kSameUser));
  ASSERT_TRUE(offer.ok()) << offer.status();
  const std::vector<int> good = (*offer)->descriptors();
  ASSERT_EQ(good.size(), 2U);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const std::size_t before = ferry::testing::open_descriptors();
  for (const std::vector<int>& bad : std::vector<std::vector<int>>{{},
                                                                   {good[0]},
                                                                   {good[0], good[1], good[1]},
                                                                   {good[1], good[0]},
                                                                   {good[0], good[0]},
                                                                   {null.get(), good[1]},
                                                                   {good[0], null.get()}}) {
    Ends control = control_sockets();
    const auto lane =
        mq_transport().join(set_up_for(Trust::kSameUser), 0, duplicates(bad), control.client);
    ASSERT_FALSE(lane.ok());
    EXPECT_EQ(lane.status().code(), StatusCode::kInvalidArgument) << lane.status();
    EXPECT_TRUE(control.client.valid());
  }
  EXPECT_EQ(ferry::testing::open_descriptors(), before);
}

TEST(Mq, AMessageLargerThanTheBufferIsHandedOutInPieces) {
  const LanePair pair = make_pair(mq_transport(), set_up_for(Trust::kSameUser));
  std::vector<std::byte> bytes(8000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 5);
  const iovec part{bytes.data(), bytes.size()};
  ASSERT_EQ(pair.client->write({&part, 1}, {}).bytes, bytes.size());
  std::vector<std::byte> received;
  std::array<std::byte, 700> piece{};
  while (received.size() < bytes.size()) {
    const IoResult io = pair.server->read_parked(piece, kNever);
    ASSERT_EQ(io.outcome, Io::kDone);
    received.insert(received.end(), piece.begin(), piece.begin() + io.bytes);
    // No poll would show the rest, so a loop must be kept from sleeping.
    EXPECT_EQ(pair.server->arm(), received.size() == bytes.size());
  }
  EXPECT_EQ(received, bytes);
}

TEST(Mq, AnEmptyMessageEndsTheLane) {
  auto offer = mq_transport().offer(set_up_for(Trust::kSameUser));
  ASSERT_TRUE(offer.ok()) << offer.status();
  const auto clients = duplicates((*offer)->descriptors());
  Ends control = control_sockets();
  auto lane = (*offer)->accept(std::move(control.server));
  ASSERT_TRUE(lane.ok());
  ASSERT_EQ(::mq_send(clients[1].get(), "", 0, 0), 0);
  std::array<std::byte, 16> buffer{};
  EXPECT_EQ((*lane)->read_parked(buffer, kNever).outcome, Io::kFailed);
  EXPECT_EQ((*lane)->failure().code(), StatusCode::kInvalidArgument);
}

TEST(Mq, NoCallBlocksWhenAPeerClearsTheFlagOfASharedDescription) {
  expect_no_call_blocks_without_the_flag(mq_transport(), set_up_for(Trust::kHostile), 10'000);
}

}  // namespace
}  // namespace ferry::transports::testing
