// Parked waits: input, deadlines and interrupts end them, and an interrupt loses nothing.
#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/lanes.h"
#include "tests/conformance/traffic.h"

namespace ferry::transports::testing {
namespace {

using std::chrono::milliseconds;

class LaneParking : public LaneTest {
 protected:
  [[nodiscard]] static Io read_some(Lane& lane, TimePoint deadline) {
    std::array<std::byte, 64> into{};
    return lane.read_parked(into, deadline).outcome;
  }
};
INSTANTIATE_TEST_SUITE_P(All, LaneParking, ::testing::ValuesIn(all_lanes()), case_name);

TEST_P(LaneParking, ADeadlineThatHasPassedEndsAWaitAtOnce) {
  connect();
  EXPECT_EQ(read_some(first(), Clock::now() - milliseconds(1)), Io::kTimedOut);
  EXPECT_EQ(read_some(first(), TimePoint()), Io::kTimedOut);
  ASSERT_GT(fill(first()), 0U);
  EXPECT_EQ(first().wait_writable(Clock::now() - milliseconds(1)).outcome, Io::kTimedOut);
}

TEST_P(LaneParking, ADeadlineThatHasPassedStillLetsInputThrough) {
  connect();
  ASSERT_EQ(write_all(first(), stretch(0, 10)), Io::kDone);
  std::array<std::byte, 10> into{};
  // The bytes are on their way: a lane may need a look or two to see them.
  IoResult io{Io::kTimedOut};
  while (io.outcome == Io::kTimedOut) io = second().read_parked(into, Clock::now());
  EXPECT_EQ(io.outcome, Io::kDone);
  EXPECT_EQ(difference(std::span(into).first(io.bytes), 0), "");
}

TEST_P(LaneParking, AWaitForInputNeverEndsBeforeItsDeadline) {
  connect();
  for (const int time : {1, 5, 17, 40, 75}) {
    const TimePoint deadline = in(milliseconds(time));
    EXPECT_EQ(read_some(first(), deadline), Io::kTimedOut);
    EXPECT_GE(Clock::now(), deadline);
  }
}

TEST_P(LaneParking, AWaitForRoomNeverEndsBeforeItsDeadline) {
  connect();
  ASSERT_GT(fill(first()), 0U);
  for (const int time : {1, 5, 17, 40}) {
    const TimePoint deadline = in(milliseconds(time));
    EXPECT_EQ(first().wait_writable(deadline).outcome, Io::kTimedOut);
    EXPECT_GE(Clock::now(), deadline);
  }
}

TEST_P(LaneParking, InputEndsAWaitWithADeadlineFarAway) {
  connect();
  std::thread writer([this] { EXPECT_EQ(write_all(first(), stretch(0, 10)), Io::kDone); });
  EXPECT_EQ(read_some(second(), in(std::chrono::hours(100))), Io::kDone);
  writer.join();
}

TEST_P(LaneParking, AnInterruptThatCameBeforeEndsTheNextReadOnce) {
  connect();
  first().interrupt();
  EXPECT_EQ(read_some(first(), kNever), Io::kInterrupted);
  EXPECT_EQ(read_some(first(), in(milliseconds(1))), Io::kTimedOut);
}

TEST_P(LaneParking, AnInterruptThatCameBeforeEndsTheNextWaitForRoomOnce) {
  connect();
  ASSERT_GT(fill(first()), 0U);
  first().interrupt();
  EXPECT_EQ(first().wait_writable(kNever).outcome, Io::kInterrupted);
  EXPECT_EQ(first().wait_writable(in(milliseconds(1))).outcome, Io::kTimedOut);
}

// Before, while and after the other thread parks: the scheduler picks, so many rounds.
TEST_P(LaneParking, AnInterruptEndsAParkedRead) {
  connect();
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> about_to_park{false};
    std::thread reader([&] {
      about_to_park = true;
      const TimePoint deadline = round % 3 == 0 ? in(std::chrono::hours(1)) : kNever;
      EXPECT_EQ(read_some(first(), deadline), Io::kInterrupted);
    });
    while (round % 2 == 0 && !about_to_park) std::this_thread::yield();
    for (int i = 0; i < round; ++i) std::this_thread::yield();
    first().interrupt();
    reader.join();
  }
  ASSERT_EQ(write_all(second(), stretch(0, 10)), Io::kDone);
  std::array<std::byte, 10> into{};
  ASSERT_EQ(read_all(first(), into), Io::kDone);
  EXPECT_EQ(difference(into, 0), "");
}

TEST_P(LaneParking, AnInterruptEndsAParkedWaitForRoom) {
  connect();
  const std::size_t sent = fill(first());
  for (int round = 0; round < 50; ++round) {
    std::thread writer([&] { EXPECT_EQ(first().wait_writable(kNever).outcome, Io::kInterrupted); });
    for (int i = 0; i < round; ++i) std::this_thread::yield();
    first().interrupt();
    writer.join();
  }
  EXPECT_EQ(drain(second(), 0), sent);
}

TEST_P(LaneParking, InterruptsAtAnyMomentLoseNoByte) {
  connect();
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  std::atomic<bool> done{false};
  std::thread interrupter([&] {
    while (!done) {
      first().interrupt();
      second().interrupt();
      std::this_thread::yield();
    }
  });
  std::thread writer([this] { send_stream(first(), kBytes, 9000, 1); });
  // Reads smaller and larger than what the mechanism moves at once.
  expect_stream(second(), kBytes / 2, 500, 2);
  std::vector<std::byte> rest(kBytes - kBytes / 2);
  EXPECT_EQ(read_all(second(), rest), Io::kDone);
  EXPECT_EQ(difference(rest, kBytes / 2), "");
  writer.join();
  done = true;
  interrupter.join();
}

TEST_P(LaneParking, InterruptsBetweenCallsAndAnswersLoseNoByte) {
  connect();
  constexpr std::size_t kTurns = 3000;
  std::atomic<bool> done{false};
  std::thread interrupter([&] {
    while (!done) {
      first().interrupt();
      std::this_thread::yield();
    }
  });
  std::thread echo([this] {
    std::array<std::byte, 48> call{};
    for (std::size_t turn = 0; turn < kTurns; ++turn) {
      ASSERT_EQ(read_all(second(), call), Io::kDone);
      ASSERT_EQ(write_all(second(), call), Io::kDone);
    }
  });
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    ASSERT_EQ(write_all(first(), stretch(turn, 48)), Io::kDone);
    std::array<std::byte, 48> answer{};
    ASSERT_EQ(read_all(first(), answer), Io::kDone);
    ASSERT_EQ(difference(answer, turn), "") << turn;
  }
  echo.join();
  done = true;
  interrupter.join();
}

TEST_P(LaneParking, ParkedPartnersLoseNoWakeUp) {
  connect();
  constexpr std::size_t kTurns = 20'000;
  std::thread echo([this] {
    std::array<std::byte, 16> call{};
    for (std::size_t turn = 0; turn < kTurns; ++turn) {
      ASSERT_EQ(read_all(second(), call), Io::kDone);
      ASSERT_EQ(write_all(second(), call), Io::kDone);
    }
  });
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    ASSERT_EQ(write_all(first(), stretch(turn, 16)), Io::kDone);
    std::array<std::byte, 16> answer{};
    ASSERT_EQ(read_all(first(), answer), Io::kDone);
    ASSERT_EQ(difference(answer, turn), "") << turn;
  }
  echo.join();
}

}  // namespace
}  // namespace ferry::transports::testing
