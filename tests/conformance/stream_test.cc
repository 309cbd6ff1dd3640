// Two independent, reliable, ordered streams of bytes.
#include <array>
#include <climits>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/lanes.h"
#include "tests/conformance/traffic.h"

namespace ferry::transports::testing {
namespace {

class LaneStream : public LaneTest {};
INSTANTIATE_TEST_SUITE_P(All, LaneStream, ::testing::ValuesIn(all_lanes()), case_name);

TEST_P(LaneStream, TellsItsTransportAndHowItIsWaitedFor) {
  connect();
  EXPECT_EQ(first().transport(), GetParam().transport_name());
  if (GetParam().transport != nullptr) {
    EXPECT_EQ(first().wait_mode(), GetParam().transport->wait_mode());
  }
  EXPECT_EQ(first().wait_mode() == WaitMode::kDescriptor, first().poll_set().readable >= 0);
  EXPECT_EQ(first().failure(), Status());
}

TEST_P(LaneStream, ReadOfNothingWouldBlock) {
  connect();
  std::array<std::byte, 64> into{};
  EXPECT_EQ(first().read(into).outcome, Io::kWouldBlock);
  EXPECT_EQ(second().read(into).outcome, Io::kWouldBlock);
}

TEST_P(LaneStream, BytesComeOutAsTheyWentIn) {
  connect();
  const auto sent = stretch(0, 100);
  ASSERT_EQ(write_all(first(), sent), Io::kDone);
  std::vector<std::byte> received(100);
  ASSERT_EQ(read_all(second(), received), Io::kDone);
  EXPECT_EQ(received, sent);
  EXPECT_EQ(second().read(received).outcome, Io::kWouldBlock);
}

TEST_P(LaneStream, OneByteAtATimeOutOfALargeWrite) {
  connect();
  ASSERT_EQ(write_all(first(), stretch(0, 10'000)), Io::kDone);
  for (std::size_t i = 0; i < 10'000; ++i) {
    std::array<std::byte, 1> one{};
    ASSERT_EQ(second().read_parked(one, kNever).outcome, Io::kDone);
    ASSERT_EQ(one[0], byte_at(i)) << i;
  }
}

TEST_P(LaneStream, ManySmallWritesMayComeOutTogether) {
  connect();
  std::thread writer([this] { send_stream(first(), 20'000, 3, 1); });
  expect_stream(second(), 20'000, 10'000, 2);
  writer.join();
}

TEST_P(LaneStream, PiecesOfAnySizeKeepTheirOrder) {
  connect();
  constexpr std::size_t kBytes = std::size_t{3} << 20;
  std::thread writer([this] { send_stream(first(), kBytes, 50'000, 3); });
  expect_stream(second(), kBytes, 30'000, 4);
  writer.join();
}

TEST_P(LaneStream, OneWriteOfSeveralMebibytesGoesThroughASlowReader) {
  connect();
  constexpr std::size_t kBytes = std::size_t{5} << 20;
  std::thread writer([this] { EXPECT_EQ(write_all(first(), stretch(0, kBytes)), Io::kDone); });
  expect_stream(second(), kBytes, 2000, 5);
  writer.join();
}

TEST_P(LaneStream, BothWaysAtOnceWithAThreadInEachHalf) {
  connect();
  constexpr std::size_t kBytes = std::size_t{2} << 20;
  std::thread first_writer([this] { send_stream(first(), kBytes, 20'000, 6); });
  std::thread second_writer([this] { send_stream(second(), kBytes, 20'000, 7); });
  std::thread first_reader([this] { expect_stream(first(), kBytes, 20'000, 8); });
  expect_stream(second(), kBytes, 20'000, 9);
  first_writer.join();
  second_writer.join();
  first_reader.join();
}

TEST_P(LaneStream, OneThreadASideCanSendAndReceiveLargeMessagesAtOnce) {
  connect();
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  // As a blocking client does: whoever finds no room reads what there is, and waits for either.
  const auto exchange = [](Lane& lane) {
    const auto out = stretch(0, kBytes);
    std::vector<std::byte> in(kBytes);
    std::size_t sent = 0;
    std::size_t received = 0;
    while (sent < kBytes || received < kBytes) {
      const IoResult wrote = sent < kBytes ? write_once(lane, std::span(out).subspan(sent))
                                           : IoResult{Io::kWouldBlock};
      if (wrote.outcome == Io::kDone) sent += wrote.bytes;
      const IoResult read = received < kBytes ? lane.read(std::span(in).subspan(received))
                                              : IoResult{Io::kWouldBlock};
      if (read.outcome == Io::kDone) received += read.bytes;
      if (wrote.outcome == Io::kDone || read.outcome == Io::kDone) continue;
      ASSERT_EQ(wrote.outcome, Io::kWouldBlock) << lane.failure();
      ASSERT_EQ(read.outcome, Io::kWouldBlock) << lane.failure();
      if (sent < kBytes) {
        ASSERT_EQ(lane.wait_writable(kNever).outcome, Io::kDone) << lane.failure();
      } else {
        const IoResult parked = lane.read_parked(std::span(in).subspan(received), kNever);
        ASSERT_EQ(parked.outcome, Io::kDone) << lane.failure();
        received += parked.bytes;
      }
    }
    EXPECT_EQ(difference(in, 0), "");
  };
  std::thread other([&] { exchange(second()); });
  exchange(first());
  other.join();
}

TEST_P(LaneStream, AWriteOfManyPiecesIsOneStretchOfTheStream) {
  connect();
  const auto bytes = stretch(0, 40'000);
  Random random(10);
  std::vector<iovec> pieces;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min(random(40), bytes.size() - at);  // empty ones among them
    pieces.push_back({const_cast<std::byte*>(bytes.data()) + at, size});
    at += size;
  }
  ASSERT_GT(pieces.size(), std::size_t{IOV_MAX});
  std::thread reader([this] { expect_stream(second(), 40'000, 5000, 11); });
  for (std::span<iovec> left = pieces; !left.empty();) {
    IoResult io = first().write(left, {});
    if (io.outcome == Io::kWouldBlock) {
      ASSERT_EQ(first().wait_writable(kNever).outcome, Io::kDone);
      continue;
    }
    ASSERT_EQ(io.outcome, Io::kDone);
    ASSERT_GE(io.bytes, 1U);
    while (!left.empty() && io.bytes >= left[0].iov_len) {
      io.bytes -= left[0].iov_len;
      left = left.subspan(1);
    }
    if (left.empty()) break;
    left[0].iov_base = static_cast<std::byte*>(left[0].iov_base) + io.bytes;
    left[0].iov_len -= io.bytes;
  }
  reader.join();
}

TEST_P(LaneStream, AFullLaneTakesNothingUntilSomethingWasRead) {
  connect();
  const std::size_t sent = fill(first());
  ASSERT_GT(sent, 0U);
  EXPECT_EQ(first().wait_writable(Clock::now()).outcome, Io::kTimedOut);
  EXPECT_EQ(drain(second(), 0), sent);
  ASSERT_EQ(first().wait_writable(kNever).outcome, Io::kDone);
  ASSERT_EQ(write_all(first(), stretch(sent, 100)), Io::kDone);
  EXPECT_EQ(drain(second(), sent), 100U);
}

TEST_P(LaneStream, AFullLaneStillCarriesTheOtherWay) {
  connect();
  ASSERT_GT(fill(first()), 0U);
  ASSERT_EQ(write_all(second(), stretch(0, 500)), Io::kDone);
  EXPECT_EQ(drain(first(), 0), 500U);
}

TEST_P(LaneStream, AWaitForRoomEndsWhenInputComes) {
  connect();
  ASSERT_GT(fill(first()), 0U);
  std::thread waiter([this] { EXPECT_EQ(first().wait_writable(kNever).outcome, Io::kDone); });
  ASSERT_EQ(write_all(second(), stretch(0, 500)), Io::kDone);
  waiter.join();
  EXPECT_EQ(drain(first(), 0), 500U);
}

}  // namespace
}  // namespace ferry::transports::testing
