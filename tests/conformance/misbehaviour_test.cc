// A peer that breaks the rules of the control socket loses its connection, with a reason, and
// nothing leaks. Where the control socket carries no data, it carries declared descriptors and
// nothing else.
#include <array>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/limits.h>

#include "tests/conformance/lanes.h"
#include "tests/conformance/traffic.h"
#include "transports/sys/scm.h"

namespace ferry::transports::testing {
namespace {

// A record of the control socket (transports/sys/control_socket.h), as a liar writes it.
struct Record {
  std::uint32_t magic = 0x44465246;
  std::uint32_t count = 1;
  std::uint64_t sequence = 0;
};

class LanePeerBreaksRules : public LaneTest {
 protected:
  void SetUp() override {
    LaneTest::SetUp();
    connect(KeepControl::kYes);
    file_ = UniqueFd(::memfd_create("broken", MFD_CLOEXEC));
  }
  void TearDown() override {
    file_.reset();
    LaneTest::TearDown();
  }
  void send(std::span<const std::byte> bytes, std::size_t descriptors) {
    const std::vector<int> passed(descriptors, file_.get());
    const iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    ASSERT_EQ(sys::send(lanes_.first_control.get(), {&part, 1}, passed).outcome, Io::kDone);
  }
  void send(const Record& record, std::size_t descriptors) {
    send(std::as_bytes(std::span(&record, 1)), descriptors);
  }
  void expect_failure() {
    Io outcome = Io::kWouldBlock;
    while (outcome == Io::kWouldBlock) outcome = second().on_control_readable().outcome;
    EXPECT_EQ(outcome, Io::kFailed);
    std::array<std::byte, 16> into{};
    EXPECT_EQ(second().read(into).outcome, Io::kFailed);
    EXPECT_EQ(second().read_parked(into, kNever).outcome, Io::kFailed);
    EXPECT_EQ(second().wait_writable(kNever).outcome, Io::kFailed);
    EXPECT_EQ(write_once(second(), into).outcome, Io::kFailed);
    EXPECT_EQ(second().failure().code(), StatusCode::kInvalidArgument) << second().failure();
  }

  UniqueFd file_;
};
INSTANTIATE_TEST_SUITE_P(All, LanePeerBreaksRules,
                         ::testing::ValuesIn(lanes_beside_the_control_socket()), case_name);

class LanePeerBreaksRulesOfTheSocket : public LanePeerBreaksRules {};
INSTANTIATE_TEST_SUITE_P(All, LanePeerBreaksRulesOfTheSocket,
                         ::testing::ValuesIn(lanes_on_the_control_socket()), case_name);

TEST_P(LanePeerBreaksRules, WithBytesThatAreNoDeclaration) {
  send(stretch(0, 16), 0);
  expect_failure();
}

TEST_P(LanePeerBreaksRules, WithADescriptorThatNobodyDeclared) {
  send(stretch(0, 1), 1);
  send(stretch(0, 15), 1);
  expect_failure();
}

TEST_P(LanePeerBreaksRules, WithFewerDescriptorsThanDeclared) {
  send(Record{.count = 3}, 2);
  expect_failure();
}

TEST_P(LanePeerBreaksRules, WithMoreDescriptorsThanDeclared) {
  send(Record{.count = 1}, 2);
  expect_failure();
}

TEST_P(LanePeerBreaksRules, WithADeclarationOfNone) {
  send(Record{.count = 0}, 0);
  expect_failure();
}

TEST_P(LanePeerBreaksRules, WithADeclarationOfTooMany) {
  send(Record{.count = limits::kDescriptors + 1}, 1);
  expect_failure();
}

TEST_P(LanePeerBreaksRules, WithADeclarationOutOfTurn) {
  send(Record{.sequence = 1}, 1);
  expect_failure();
}

TEST_P(LanePeerBreaksRules, WithMoreUnreadMessagesThanAllowed) {
  for (std::uint64_t i = 0; i <= limits::kUnreadDescriptorMessages; ++i) {
    send(Record{.sequence = i}, 1);
  }
  expect_failure();
}

TEST_P(LanePeerBreaksRulesOfTheSocket, WithMoreUnreadMessagesThanAllowed) {
  const auto byte = stretch(0, 1);
  std::array<std::byte, 1> into{};
  for (std::size_t i = 0; i < limits::kUnreadDescriptorMessages; ++i) {
    send(byte, 1);
    ASSERT_EQ(read_all(second(), into), Io::kDone);
  }
  send(byte, 1);
  EXPECT_EQ(read_all(second(), into), Io::kFailed);
  EXPECT_EQ(second().failure().code(), StatusCode::kInvalidArgument) << second().failure();
}

TEST_P(LanePeerBreaksRules, WhileAReaderIsParked) {
  // Where the reader parks on no descriptor, an event loop watches the socket for it (lane.h).
  const bool watched = second().wait_mode() == WaitMode::kThread;
  std::thread reader([this] {
    std::array<std::byte, 16> into{};
    EXPECT_EQ(second().read_parked(into, in(std::chrono::hours(1))).outcome, Io::kFailed);
  });
  send(stretch(0, 16), 0);
  while (watched && second().on_control_readable().outcome != Io::kFailed)
    std::this_thread::yield();
  reader.join();
}

}  // namespace
}  // namespace ferry::transports::testing
