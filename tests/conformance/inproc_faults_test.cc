// inproc fails when it is told to, and just then.
#include <array>
#include <fcntl.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/traffic.h"
#include "transports/inproc/inproc.h"

namespace ferry::transports::testing {
namespace {

TEST(InprocFaults, AWriteTakesNoMoreThanAsked) {
  const auto lanes = make_inproc_lanes({.first = {.write_bytes = 3}});
  EXPECT_EQ(write_once(*lanes.first, stretch(0, 10)).bytes, 3U);
  EXPECT_EQ(write_once(*lanes.second, stretch(0, 10)).bytes, 10U);
}

TEST(InprocFaults, AReadHandsOutNoMoreThanAsked) {
  const auto lanes = make_inproc_lanes({.second = {.read_bytes = 4}});
  ASSERT_EQ(write_all(*lanes.first, stretch(0, 10)), Io::kDone);
  std::array<std::byte, 10> into{};
  EXPECT_EQ(lanes.second->read(into).bytes, 4U);
}

TEST(InprocFaults, TheCapacityIsExact) {
  const auto lanes = make_inproc_lanes({.capacity = 7});
  EXPECT_EQ(write_once(*lanes.first, stretch(0, 10)).bytes, 7U);
  EXPECT_EQ(write_once(*lanes.first, stretch(7, 3)).outcome, Io::kWouldBlock);
  EXPECT_EQ(drain(*lanes.second, 0), 7U);
  EXPECT_EQ(write_once(*lanes.first, stretch(7, 3)).bytes, 3U);
}

TEST(InprocFaults, ItClosesAfterSoManyBytes) {
  const auto lanes = make_inproc_lanes({.first = {.close_after_bytes = 5}});
  EXPECT_EQ(write_once(*lanes.first, stretch(0, 10)).bytes, 5U);
  EXPECT_EQ(write_once(*lanes.first, stretch(5, 5)).outcome, Io::kClosed);
  EXPECT_EQ(drain(*lanes.second, 0), 5U);
  std::array<std::byte, 10> into{};
  EXPECT_EQ(lanes.second->read(into).outcome, Io::kClosed);
  EXPECT_EQ(lanes.second->failure().code(), StatusCode::kUnavailable);
}

TEST(InprocFaults, ItFailsAfterSoManyWrites) {
  const auto lanes = make_inproc_lanes({.first = {.fail_after_writes = 2}});
  EXPECT_EQ(write_once(*lanes.first, stretch(0, 1)).outcome, Io::kDone);
  EXPECT_EQ(write_once(*lanes.first, stretch(1, 1)).outcome, Io::kDone);
  EXPECT_EQ(write_once(*lanes.first, stretch(2, 1)).outcome, Io::kFailed);
  EXPECT_FALSE(lanes.first->failure().ok());
}

TEST(InprocFaults, ItFailsAfterSoManyReads) {
  const auto lanes = make_inproc_lanes({.second = {.fail_after_reads = 1}});
  std::array<std::byte, 4> into{};
  EXPECT_EQ(lanes.second->read(into).outcome, Io::kWouldBlock);  // found nothing: not counted
  ASSERT_EQ(write_all(*lanes.first, stretch(0, 10)), Io::kDone);
  EXPECT_EQ(lanes.second->read(into).outcome, Io::kDone);
  EXPECT_EQ(lanes.second->read(into).outcome, Io::kFailed);
}

TEST(InprocFaults, ItLosesDescriptorsAsAFullTableWould) {
  const auto lanes = make_inproc_lanes({.first = {.lose_descriptors = true}});
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int lent = file.get();
  ASSERT_EQ(write_all(*lanes.first, stretch(0, 1), {&lent, 1}), Io::kDone);
  EXPECT_EQ(drain(*lanes.second, 0), 1U);
  std::vector<UniqueFd> taken;
  EXPECT_EQ(lanes.second->take_descriptors(1, taken).code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(taken.empty());
}

}  // namespace
}  // namespace ferry::transports::testing
