// What only the socket lane has: a read that blocks in slices, and descriptors in the stream.
#include "transports/unix/unix.h"

#include <array>
#include <atomic>
#include <csignal>
#include <sys/resource.h>
#include <sys/time.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/limits.h>

#include "tests/support/processes.h"
#include "tests/transports/lane_pair.h"
#include "transports/sys/scm.h"

namespace ferry::transports::testing {
namespace {

LanePair connect() { return make_pair(unix_transport(), set_up_for(Trust::kSameUser)); }

Io write_some(Lane& lane, std::size_t count, std::span<const int> descriptors = {}) {
  std::vector<std::byte> bytes(count);
  const iovec part{bytes.data(), bytes.size()};
  return lane.write({&part, 1}, descriptors).outcome;
}

// Storms of signals without SA_RESTART while it lives.
class SignalStorm {
 public:
  SignalStorm() {
    struct sigaction counting {};
    counting.sa_handler = [](int) {};
    EXPECT_EQ(::sigaction(SIGALRM, &counting, &old_), 0);
    const itimerval each_millisecond{{0, 1000}, {0, 1000}};
    EXPECT_EQ(::setitimer(ITIMER_REAL, &each_millisecond, nullptr), 0);
  }
  ~SignalStorm() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &old_, nullptr);
  }

 private:
  struct sigaction old_ {};
};

TEST(Unix, ADeadlineIsKeptWhetherTheReadBlocksOrPolls) {
  const LanePair pair = connect();
  std::array<std::byte, 8> buffer{};
  for (Lane* lane : {pair.client.get(), pair.server.get()}) {
    for (const int ms : {0, 1, 5, 30, 80}) {
      const TimePoint deadline = Clock::now() + std::chrono::milliseconds(ms);
      EXPECT_EQ(lane->read_parked(buffer, deadline).outcome, Io::kTimedOut);
      EXPECT_GE(Clock::now(), deadline);
    }
    EXPECT_EQ(lane->read_parked(buffer, TimePoint{}).outcome, Io::kTimedOut);
  }
}

TEST(Unix, ADeadlineIsReachedInAStormOfSignals) {
  const LanePair pair = connect();
  const SignalStorm storm;
  std::array<std::byte, 8> buffer{};
  const TimePoint deadline = Clock::now() + std::chrono::milliseconds(100);
  EXPECT_EQ(pair.client->read_parked(buffer, deadline).outcome, Io::kTimedOut);
  EXPECT_GE(Clock::now(), deadline);
}

TEST(Unix, AParkedReadIsInterruptedOnceAndLosesNothing) {
  const LanePair pair = connect();
  std::array<std::byte, 64> buffer{};
  for (Lane* lane : {pair.client.get(), pair.server.get()}) {
    Lane* peer = lane == pair.client.get() ? pair.server.get() : pair.client.get();
    for (int round = 0; round < 20; ++round) {
      std::thread other([&] { lane->interrupt(); });
      ASSERT_EQ(lane->read_parked(buffer, kNever).outcome, Io::kInterrupted);
      other.join();
      ASSERT_EQ(write_some(*peer, 10), Io::kDone);
      const IoResult io = lane->read_parked(buffer, kNever);
      ASSERT_EQ(io.outcome, Io::kDone);
      ASSERT_EQ(io.bytes, 10U);
    }
  }
}

// A thread whose write is blocked makes the reader, parked in another thread, wait for room.
TEST(Unix, ABlockedWriteReachesTheParkedReader) {
  const LanePair pair = connect();
  std::array<std::byte, 64> buffer{};
  for (int round = 0; round < 100; ++round) {
    Io outcome = Io::kDone;
    std::thread reader([&] { outcome = pair.client->read_parked(buffer, kNever).outcome; });
    while (write_some(*pair.client, 50'000) == Io::kDone) {
    }
    pair.client->interrupt();
    reader.join();
    ASSERT_EQ(outcome, Io::kInterrupted);
    std::vector<std::byte> drained(1 << 20);
    while (pair.server->read(drained).outcome == Io::kDone) {
    }
  }
}

TEST(Unix, DescriptorsNobodyAsksForAreBounded) {
  Ends control = control_sockets();
  const UniqueFd peer = std::move(control.client);
  auto offer = unix_transport().offer(set_up_for(Trust::kHostile));
  ASSERT_TRUE(offer.ok());
  auto lane = (*offer)->accept(std::move(control.server));
  ASSERT_TRUE(lane.ok());
  const std::size_t before = ferry::testing::open_descriptors();
  std::array<std::byte, 8> buffer{};
  const std::vector<int> lent(limits::kDescriptors, STDIN_FILENO);
  Io outcome = Io::kDone;
  std::size_t batches = 0;
  for (; outcome == Io::kDone; ++batches) {
    const iovec part{buffer.data(), 1};
    ASSERT_EQ(sys::send(peer.get(), {&part, 1}, std::span(lent).first(1)).bytes, 1U);
    outcome = (*lane)->read(buffer).outcome;
  }
  EXPECT_EQ(outcome, Io::kFailed);
  EXPECT_EQ(batches, limits::kUnreadDescriptorMessages + 1);
  EXPECT_EQ((*lane)->failure().code(), StatusCode::kInvalidArgument);
  lane = Status::cancelled("closed");
  EXPECT_LT(ferry::testing::open_descriptors(), before);
}

TEST(Unix, JoinRefusesDescriptorsThatBelongToNoOffer) {
  Ends control = control_sockets();
  const auto lane = unix_transport().join(set_up_for(Trust::kSameUser), 0,
                                          duplicates({STDIN_FILENO}), control.client);
  ASSERT_FALSE(lane.ok());
  EXPECT_EQ(lane.status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(control.client.valid());
}

// Run by a user without privileges, who may have only as many descriptors in flight as open.
int too_many_in_flight() {
  if (::geteuid() == 0 && ::setuid(65534) != 0) return 10;
  const rlimit few{40, 40};
  if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return 11;
  LanePair pair = connect();
  const std::vector<int> lent(10, STDIN_FILENO);
  Io outcome = Io::kDone;
  std::size_t sent = 0;
  while (outcome == Io::kDone && sent < 100) {
    outcome = write_some(*pair.client, 8, lent);
    if (outcome == Io::kDone) ++sent;
  }
  if (outcome != Io::kWouldBlock || sent < 4) return 12;
  if (pair.client->wait_writable(kNever).outcome != Io::kDone) return 13;
  // It passes when the receiver reads.
  std::array<std::byte, 64> buffer{};
  for (std::size_t i = 0; i < sent; ++i) {
    std::vector<UniqueFd> taken;
    if (pair.server->read(buffer).outcome != Io::kDone) return 14;
    if (!pair.server->take_descriptors(10, taken).ok()) return 15;
  }
  for (std::size_t i = 0; i < sent; ++i) {
    if (write_some(*pair.client, 8, lent) != Io::kDone) return 16;
  }
  // And when nobody reads, it ends in words.
  do outcome = write_some(*pair.client, 8, lent);
  while (outcome == Io::kDone ||
         (outcome == Io::kWouldBlock && pair.client->wait_writable(kNever).outcome == Io::kDone));
  if (outcome != Io::kFailed) return 17;
  const Status why = pair.client->failure();
  return why.code() == StatusCode::kResourceExhausted &&
                 why.message().find("ETOOMANYREFS") != std::string::npos
             ? 0
             : 18;
}

TEST(Unix, TooManyDescriptorsInFlightAreWaitedForAndThenAnErrorInWords) {
  ferry::testing::Process child(too_many_in_flight);
  EXPECT_EQ(child.wait(), 0);
}

}  // namespace
}  // namespace ferry::transports::testing
