// The control socket of a lane against a peer that keeps its rules, and against one that does not.
#include "transports/sys/control_socket.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <sys/resource.h>
#include <sys/stat.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/limits.h>

#include "tests/support/processes.h"
#include "tests/transports/lane_pair.h"
#include "transports/sys/scm.h"

namespace ferry::transports::testing {
namespace {

using sys::ControlSocket;
using sys::LaneEnd;

constexpr std::uint32_t kMagic = 0x44465246;

struct Record {
  std::uint32_t magic = kMagic;
  std::uint32_t count = 1;
  std::uint64_t sequence = 0;
};

ino_t inode(int fd) {
  struct stat info {};
  EXPECT_EQ(::fstat(fd, &info), 0);
  return info.st_ino;
}

// Sends `bytes` of a record's memory with `descriptors` standard inputs.
void send_raw(int socket, const void* bytes, std::size_t size, std::size_t descriptors) {
  const std::vector<int> lent(descriptors, STDIN_FILENO);
  const iovec part{const_cast<void*>(bytes), size};
  ASSERT_EQ(sys::send(socket, {&part, 1}, lent).bytes, size);
}

class ControlSocketTest : public ::testing::Test {
 protected:
  void connect() {
    Ends ends = control_sockets();
    peer_ = std::move(ends.client);
    control_ = std::make_unique<ControlSocket>(std::move(ends.server), end_);
  }
  void SetUp() override {
    before_ = ferry::testing::open_descriptors();
    connect();
  }
  void TearDown() override {
    control_.reset();
    peer_.reset();
    EXPECT_EQ(ferry::testing::open_descriptors(), before_);
  }
  void expect_broken() {
    EXPECT_EQ(control_->on_readable(), Io::kFailed);
    EXPECT_EQ(end_.why().code(), StatusCode::kInvalidArgument) << end_.why();
    std::vector<UniqueFd> taken;
    EXPECT_FALSE(control_->take(1, taken).ok());
    EXPECT_TRUE(taken.empty());
  }

  LaneEnd end_;
  UniqueFd peer_;
  std::unique_ptr<ControlSocket> control_;

 private:
  std::size_t before_ = 0;
};

TEST_F(ControlSocketTest, BatchesComeInOrderAndWhole) {
  LaneEnd end;
  ControlSocket sender(std::move(peer_), end);
  const std::array<UniqueFd, 2> files{UniqueFd(::open("/proc/self/stat", O_RDONLY | O_CLOEXEC)),
                                      UniqueFd(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC))};
  for (const int count : {1, 2, 253}) {
    const std::vector<int> lent(static_cast<std::size_t>(count), files[count % 2].get());
    ASSERT_EQ(sender.pass(lent), Io::kDone);
    sender.bytes_moved();
  }
  EXPECT_EQ(control_->on_readable(), Io::kWouldBlock);
  for (const int count : {1, 2, 253}) {
    std::vector<UniqueFd> taken;
    ASSERT_TRUE(control_->take(static_cast<std::size_t>(count), taken).ok()) << end_.why();
    ASSERT_EQ(taken.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(inode(taken.back().get()), inode(files[count % 2].get()));
    EXPECT_EQ(::fcntl(taken.front().get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST_F(ControlSocketTest, ARepetitionIsNotSentAgain) {
  LaneEnd end;
  ControlSocket sender(std::move(peer_), end);
  const int lent = STDIN_FILENO;
  for (int i = 0; i < 3; ++i) ASSERT_EQ(sender.pass({&lent, 1}), Io::kDone);
  sender.bytes_moved();
  std::vector<UniqueFd> taken;
  EXPECT_TRUE(control_->take(1, taken).ok());
  EXPECT_EQ(control_->take(1, taken).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(taken.size(), 1U);
}

TEST_F(ControlSocketTest, AFullSocketTakesNothingUntilThePeerHasRead) {
  LaneEnd end;
  ControlSocket sender(std::move(peer_), end);
  const int least = 1;
  ASSERT_EQ(::setsockopt(sender.descriptor(), SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
  const int lent = STDIN_FILENO;
  std::size_t sent = 0;
  while (sender.pass({&lent, 1}) == Io::kDone) {
    sender.bytes_moved();
    ASSERT_LT(++sent, limits::kUnreadDescriptorMessages);
  }
  EXPECT_TRUE(sender.refused());
  EXPECT_TRUE(end.why().ok()) << end.why();
  std::vector<UniqueFd> taken;
  for (std::size_t i = 0; i < sent; ++i) ASSERT_TRUE(control_->take(1, taken).ok());
  EXPECT_EQ(sender.pass({&lent, 1}), Io::kDone);
  EXPECT_FALSE(sender.refused());
}

TEST_F(ControlSocketTest, EndOfFileIsThePeersEndAfterWhatItSent) {
  const Record record;
  send_raw(peer_.get(), &record, sizeof(record), 1);
  peer_.reset();
  EXPECT_EQ(control_->on_readable(), Io::kClosed);
  EXPECT_TRUE(end_.gone());
  std::vector<UniqueFd> taken;
  EXPECT_TRUE(control_->take(1, taken).ok());
  EXPECT_EQ(end_.why().code(), StatusCode::kUnavailable);
}

TEST_F(ControlSocketTest, ARecordMayComeInPieces) {
  const Record record;
  const auto* bytes = reinterpret_cast<const char*>(&record);
  send_raw(peer_.get(), bytes, 3, 1);
  EXPECT_EQ(control_->on_readable(), Io::kWouldBlock);
  send_raw(peer_.get(), bytes + 3, sizeof(record) - 3, 0);
  EXPECT_EQ(control_->on_readable(), Io::kWouldBlock);
  std::vector<UniqueFd> taken;
  EXPECT_TRUE(control_->take(1, taken).ok());
}

TEST_F(ControlSocketTest, EveryPrefixOfARecordAndThenTheEndLeaksNothing) {
  const Record record;
  for (std::size_t size = 1; size < sizeof(record); ++size) {
    LaneEnd end;
    Ends ends = control_sockets();
    ControlSocket control(std::move(ends.server), end);
    send_raw(ends.client.get(), &record, size, 1);
    ends.client.reset();
    EXPECT_EQ(control.on_readable(), Io::kClosed);
    std::vector<UniqueFd> taken;
    EXPECT_EQ(control.take(1, taken).code(), StatusCode::kInvalidArgument);
  }
}

TEST_F(ControlSocketTest, EveryRecordThatLiesEndsTheLane) {
  struct Lie {
    Record record;
    std::size_t descriptors;
  };
  for (const Lie& lie : {Lie{{kMagic + 1, 1, 0}, 1}, Lie{{kMagic, 0, 0}, 0}, Lie{{kMagic, 0, 0}, 1},
                         Lie{{kMagic, 1, 0}, 0}, Lie{{kMagic, 1, 0}, 2}, Lie{{kMagic, 3, 0}, 2},
                         Lie{{kMagic, 254, 0}, 253}, Lie{{kMagic, 0xFFFFFFFF, 0}, 1},
                         Lie{{kMagic, 1, 1}, 1}, Lie{{kMagic, 1, ~std::uint64_t{0}}, 1}}) {
    LaneEnd end;
    Ends ends = control_sockets();
    ControlSocket control(std::move(ends.server), end);
    send_raw(ends.client.get(), &lie.record, sizeof(lie.record), lie.descriptors);
    EXPECT_EQ(control.on_readable(), Io::kFailed);
    EXPECT_EQ(end.why().code(), StatusCode::kInvalidArgument) << end.why();
  }
}

TEST_F(ControlSocketTest, DescriptorsInTheMiddleOfARecordEndTheLane) {
  const Record record;
  const auto* bytes = reinterpret_cast<const char*>(&record);
  send_raw(peer_.get(), bytes, 4, 1);
  send_raw(peer_.get(), bytes + 4, 4, 1);
  expect_broken();
}

TEST_F(ControlSocketTest, BytesWithoutARecordEndTheLane) {
  const std::array<char, 16> garbage{"not a record at"};
  send_raw(peer_.get(), garbage.data(), garbage.size(), 1);
  expect_broken();
}

TEST_F(ControlSocketTest, MoreBatchesThanMayBeUnreadEndTheLane) {
  Record record;
  Io outcome = Io::kWouldBlock;
  for (std::uint32_t i = 0; i <= limits::kUnreadDescriptorMessages; ++i) {
    ASSERT_EQ(outcome, Io::kWouldBlock) << i;
    record.sequence = i;
    send_raw(peer_.get(), &record, sizeof(record), 1);
    outcome = control_->on_readable();
  }
  EXPECT_EQ(outcome, Io::kFailed);
  EXPECT_EQ(end_.why().code(), StatusCode::kInvalidArgument);
}

TEST_F(ControlSocketTest, AFullDescriptorTableIsNamedAndFailsOnlyTheirMessage) {
  const Record record{kMagic, 3, 0};
  send_raw(peer_.get(), &record, sizeof(record), 3);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const UniqueFd lowest(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
  // The limit bounds numbers: with the lowest free one taken, hardly any is left.
  const rlimit full{static_cast<rlim_t>(lowest.get()) + 1, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &full), 0);
  const Io outcome = control_->on_readable();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_EQ(outcome, Io::kWouldBlock);
  std::vector<UniqueFd> taken;
  const Status status = control_->take(3, taken);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
  EXPECT_NE(status.message().find("RLIMIT_NOFILE"), std::string::npos) << status;
  EXPECT_TRUE(taken.empty());
}

}  // namespace
}  // namespace ferry::transports::testing
