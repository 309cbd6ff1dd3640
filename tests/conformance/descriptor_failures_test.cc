// Descriptors that nobody takes, that never came, or that we have no room for: failures in words,
// and nothing leaks.
#include <array>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/lanes.h"
#include "tests/conformance/numbered_files.h"
#include "tests/conformance/traffic.h"

namespace ferry::transports::testing {
namespace {

class LaneDescriptorFailures : public LaneTest {};
INSTANTIATE_TEST_SUITE_P(All, LaneDescriptorFailures, ::testing::ValuesIn(all_lanes()), case_name);

TEST_P(LaneDescriptorFailures, ThatNobodyTookAreClosedWithTheLane) {
  connect();
  {
    const auto files = numbered_files(0, 3);
    ASSERT_EQ(write_all(first(), stretch(0, 10), lent(files)), Io::kDone);
    ASSERT_EQ(write_all(first(), stretch(10, 10), lent(files)), Io::kDone);
  }
  std::array<std::byte, 15> some{};
  ASSERT_EQ(read_all(second(), some), Io::kDone);
  lanes_ = {};
  EXPECT_EQ(open_numbered_files(), 0U);
}

TEST_P(LaneDescriptorFailures, ThatNeverCameAreAFailureInWords) {
  connect();
  ASSERT_EQ(write_all(first(), stretch(0, 10)), Io::kDone);
  std::vector<std::byte> frame(10);
  ASSERT_EQ(read_all(second(), frame), Io::kDone);
  std::vector<UniqueFd> taken;
  const Status status = second().take_descriptors(1, taken);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
  EXPECT_TRUE(taken.empty());
  EXPECT_EQ(second().read(frame).outcome, Io::kFailed);
  EXPECT_EQ(write_once(second(), frame).outcome, Io::kFailed);
  EXPECT_EQ(second().failure().code(), StatusCode::kInvalidArgument) << second().failure();
}

TEST_P(LaneDescriptorFailures, InAnotherNumberThanAnnouncedAreAFailureAndClosed) {
  for (const std::size_t announced : {std::size_t{1}, std::size_t{3}}) {
    connect();
    const auto files = numbered_files(0, 2);
    ASSERT_EQ(write_all(first(), stretch(0, 10), lent(files)), Io::kDone);
    std::vector<std::byte> frame(10);
    ASSERT_EQ(read_all(second(), frame), Io::kDone);
    std::vector<UniqueFd> taken;
    const Status status = second().take_descriptors(announced, taken);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
    EXPECT_TRUE(taken.empty());
    EXPECT_EQ(open_numbered_files(), 2U);  // ours
    EXPECT_EQ(second().read(frame).outcome, Io::kFailed);
    EXPECT_EQ(second().read_parked(frame, kNever).outcome, Io::kFailed);
    EXPECT_EQ(second().wait_writable(kNever).outcome, Io::kFailed);
  }
}

// Whoever sees the failure first hangs up, so that nobody stays parked in the other half.
TEST_P(LaneDescriptorFailures, ThatNeverCameEndAParkedWaitForRoomOnceTheReaderHangsUp) {
  for (int round = 0; round < 10; ++round) {
    connect();
    ASSERT_GT(fill(second()), 0U);
    ASSERT_EQ(write_all(first(), stretch(0, 10)), Io::kDone);
    std::vector<std::byte> frame(10);
    ASSERT_EQ(read_all(second(), frame), Io::kDone);
    std::thread writer([this] {
      Io outcome = Io::kDone;
      while (outcome == Io::kDone) outcome = second().wait_writable(kNever).outcome;
      EXPECT_EQ(outcome, Io::kFailed);
    });
    std::vector<UniqueFd> taken;
    EXPECT_EQ(second().take_descriptors(1, taken).code(), StatusCode::kInvalidArgument);
    second().hang_up();
    writer.join();
  }
}

TEST_P(LaneDescriptorFailures, WithoutRoomInOurTableAreAFailureThatNamesTheLimit) {
  connect();
  const auto files = numbered_files(0, 5);
  ASSERT_EQ(write_all(second(), stretch(0, 1)), Io::kDone);  // both halves have what they open late
  ASSERT_EQ(drain(first(), 0), 1U);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  // Room for two more: the kernel hands out what fits, and tells that it is not all (F9).
  const UniqueFd next(::fcntl(files[0].get(), F_DUPFD_CLOEXEC, 0));
  const rlimit tight{static_cast<rlim_t>(next.get()) + 3, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const Io wrote = write_all(first(), stretch(0, 10), lent(files));
  std::vector<std::byte> frame(10);
  Io read = Io::kWouldBlock;
  while (read == Io::kWouldBlock) read = second().read(frame).outcome;
  std::vector<UniqueFd> taken;
  const Status status = second().take_descriptors(5, taken);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(wrote, Io::kDone);
  EXPECT_EQ(read, Io::kDone);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
  EXPECT_NE(status.message().find("RLIMIT_NOFILE"), std::string::npos) << status;
  EXPECT_TRUE(taken.empty());
  EXPECT_EQ(open_numbered_files(), 6U);  // ours
  EXPECT_EQ(second().read(frame).outcome, Io::kFailed);
}

}  // namespace
}  // namespace ferry::transports::testing
