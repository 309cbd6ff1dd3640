// The peer closes its lane, or dies: reads hand out what had arrived, then say kClosed; writes say
// kClosed; nobody hangs and no signal is raised.
#include <array>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/lanes.h"
#include "tests/conformance/traffic.h"

namespace ferry::transports::testing {
namespace {

// Reads `expected` bytes of the stream, then the end, which is final.
void expect_rest_then_closed(Lane& lane, std::size_t expected) {
  expect_stream(lane, expected, 7000, 1);
  std::array<std::byte, 64> into{};
  EXPECT_EQ(lane.read_parked(into, kNever).outcome, Io::kClosed);
  EXPECT_EQ(lane.read_parked(into, kNever).outcome, Io::kClosed);
  EXPECT_EQ(lane.read(into).outcome, Io::kClosed);
  EXPECT_EQ(write_all(lane, stretch(0, 10)), Io::kClosed);
  EXPECT_EQ(lane.failure().code(), StatusCode::kUnavailable) << lane.failure();
  EXPECT_FALSE(lane.failure().message().empty());
}

// What a writer that nobody reads from is told, sooner or later.
Io write_until_it_ends(Lane& lane) {
  const auto bytes = stretch(0, 3000);
  Io outcome = Io::kDone;
  while (outcome == Io::kDone) outcome = write_all(lane, bytes);
  return outcome;
}

class LaneEnds : public LaneTest {};
INSTANTIATE_TEST_SUITE_P(All, LaneEnds, ::testing::ValuesIn(all_lanes()), case_name);

TEST_P(LaneEnds, WhatArrivedBeforeTheCloseIsReadFirst) {
  connect();
  ASSERT_EQ(write_all(first(), stretch(0, 5000)), Io::kDone);
  lanes_.first.reset();
  expect_rest_then_closed(second(), 5000);
}

TEST_P(LaneEnds, AFullLaneIsReadToTheEndAfterTheClose) {
  connect();
  const std::size_t sent = fill(first());
  lanes_.first.reset();
  expect_rest_then_closed(second(), sent);
}

TEST_P(LaneEnds, UnreadBytesOfOursDontHideWhatThePeerSent) {
  connect();
  ASSERT_EQ(write_all(first(), stretch(0, 5000)), Io::kDone);
  ASSERT_EQ(write_all(second(), stretch(0, 5000)), Io::kDone);
  lanes_.first.reset();
  expect_rest_then_closed(second(), 5000);
}

TEST_P(LaneEnds, AWriterLearnsOfTheCloseWithoutReading) {
  connect();
  lanes_.second.reset();
  EXPECT_EQ(write_until_it_ends(first()), Io::kClosed);
}

TEST_P(LaneEnds, AFullWriterLearnsOfTheClose) {
  connect();
  ASSERT_GT(fill(first()), 0U);
  lanes_.second.reset();
  EXPECT_EQ(write_until_it_ends(first()), Io::kClosed);
  EXPECT_EQ(first().failure().code(), StatusCode::kUnavailable);
}

// Whether the wait or the close comes first is up to the scheduler: both must do, so many rounds.
TEST_P(LaneEnds, AParkedReaderLearnsOfTheClose) {
  for (int round = 0; round < 30; ++round) {
    connect();
    std::thread closer([this] { lanes_.first.reset(); });
    std::array<std::byte, 64> into{};
    EXPECT_EQ(
        second().read_parked(into, round % 2 == 0 ? kNever : in(std::chrono::hours(1))).outcome,
        Io::kClosed);
    closer.join();
  }
}

TEST_P(LaneEnds, AParkedWriterLearnsOfTheClose) {
  for (int round = 0; round < 30; ++round) {
    connect();
    ASSERT_GT(fill(second()), 0U);
    std::thread closer([this] { lanes_.first.reset(); });
    EXPECT_EQ(write_until_it_ends(second()), Io::kClosed);
    closer.join();
  }
}

TEST_P(LaneEnds, AParkedReaderAndAParkedWriterOfOneLaneBothLearnOfTheClose) {
  for (int round = 0; round < 10; ++round) {
    connect();
    ASSERT_GT(fill(second()), 0U);
    std::thread writer([this] { EXPECT_EQ(write_until_it_ends(second()), Io::kClosed); });
    std::thread closer([this] { lanes_.first.reset(); });
    std::array<std::byte, 64> into{};
    EXPECT_EQ(second().read_parked(into, kNever).outcome, Io::kClosed);
    closer.join();
    writer.join();
  }
}

TEST_P(LaneEnds, HangUpEndsAParkedReadAfterWhatHadArrived) {
  for (int round = 0; round < 10; ++round) {
    connect();
    ASSERT_EQ(write_all(first(), stretch(0, 300)), Io::kDone);
    std::thread other([this] { second().hang_up(); });
    expect_rest_then_closed(second(), 300);
    other.join();
  }
}

class LaneDeath : public LaneTest {};
INSTANTIATE_TEST_SUITE_P(All, LaneDeath, ::testing::ValuesIn(lanes_between_processes()), case_name);

using Stage = ForkedPeer::Stage;

TEST_P(LaneDeath, OfAnIdlePeerEndsAParkedRead) {
  ForkedPeer peer(GetParam(), [](Lane&, const Stage& stage) {
    stage.reached();
    Stage::wait_for_kill();
  });
  ASSERT_TRUE(peer.wait_for_stage());
  std::thread killer([&peer] { peer.kill(); });
  expect_rest_then_closed(peer.lane(), 0);
  killer.join();
}

TEST_P(LaneDeath, AfterItsAnswerWasSentDoesNotHideTheAnswer) {
  ForkedPeer peer(GetParam(), [](Lane& lane, const Stage& stage) {
    static_cast<void>(write_all(lane, stretch(0, 4000)));
    stage.reached();
    Stage::wait_for_kill();
  });
  ASSERT_TRUE(peer.wait_for_stage());
  ASSERT_EQ(write_all(peer.lane(), stretch(0, 4000)), Io::kDone);  // it never reads this
  peer.kill();
  expect_rest_then_closed(peer.lane(), 4000);
}

TEST_P(LaneDeath, InTheMiddleOfALongWriteLeavesAStretchOfTheStream) {
  ForkedPeer peer(GetParam(), [](Lane& lane, const Stage& stage) {
    std::size_t sent = fill(lane);
    stage.reached();
    for (;; sent += 1000) static_cast<void>(write_all(lane, stretch(sent, 1000)));
  });
  ASSERT_TRUE(peer.wait_for_stage());
  std::vector<std::byte> some(3000);
  ASSERT_EQ(read_all(peer.lane(), some), Io::kDone);
  std::thread killer([&peer] { peer.kill(); });
  std::size_t received = some.size();
  EXPECT_EQ(difference(some, 0), "");
  for (;;) {
    const IoResult io = peer.lane().read_parked(some, kNever);
    if (io.outcome != Io::kDone) {
      EXPECT_EQ(io.outcome, Io::kClosed) << peer.lane().failure();
      break;
    }
    ASSERT_EQ(difference(std::span(some).first(io.bytes), received), "");
    received += io.bytes;
  }
  killer.join();
}

TEST_P(LaneDeath, WhileParkedInAReadEndsOurWriter) {
  ForkedPeer peer(GetParam(), [](Lane& lane, const Stage& stage) {
    stage.reached();
    std::array<std::byte, 64> into{};
    static_cast<void>(lane.read_parked(into, kNever));
    Stage::wait_for_kill();
  });
  ASSERT_TRUE(peer.wait_for_stage());
  std::thread writer([&peer] { EXPECT_EQ(write_until_it_ends(peer.lane()), Io::kClosed); });
  peer.kill();
  writer.join();
}

TEST_P(LaneDeath, UnderTrafficBothWaysEndsBothHalves) {
  for (int round = 0; round < 5; ++round) {
    ForkedPeer peer(GetParam(), [](Lane& lane, const Stage& stage) {
      std::vector<std::byte> buffer(9000);
      const auto bytes = stretch(0, 500);
      for (std::size_t turn = 0;; ++turn) {
        static_cast<void>(lane.read(buffer));
        static_cast<void>(write_once(lane, bytes));
        if (turn == 100) stage.reached();
      }
    });
    ASSERT_TRUE(peer.wait_for_stage());
    std::thread writer([&peer] { EXPECT_EQ(write_until_it_ends(peer.lane()), Io::kClosed); });
    std::thread killer([&peer] { peer.kill(); });
    std::vector<std::byte> buffer(5000);
    IoResult io{Io::kDone};
    while (io.outcome == Io::kDone) io = peer.lane().read_parked(buffer, kNever);
    EXPECT_EQ(io.outcome, Io::kClosed) << peer.lane().failure();
    writer.join();
    killer.join();
  }
}

}  // namespace
}  // namespace ferry::transports::testing
