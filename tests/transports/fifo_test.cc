// What only FIFOs have: blocking reads that are woken, names, ends that lie.
#include "transports/fifo/fifo.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/processes.h"
#include "tests/transports/lane_pair.h"

namespace ferry::transports::testing {
namespace {

using ferry::testing::Directory;

std::byte pattern(std::size_t position) { return static_cast<std::byte>(position * 7 + 3); }

class Fifo : public ::testing::Test {
 protected:
  transports::SetUp set_up(Trust trust = Trust::kSameUser) const {
    transports::SetUp how = set_up_for(trust);
    how.rendezvous = directory_.socket();
    return how;
  }
  LanePair connect() const { return make_pair(fifo_transport(), set_up()); }
  std::size_t names() const {
    const std::filesystem::directory_iterator list(directory_.path());
    return static_cast<std::size_t>(std::distance(begin(list), end(list)));
  }

  Directory directory_;
};

TEST_F(Fifo, NamesAreGoneAsSoonAsTheOfferIsMade) {
  auto offer = fifo_transport().offer(set_up());
  ASSERT_TRUE(offer.ok()) << offer.status();
  EXPECT_EQ(names(), 0U);
}

TEST_F(Fifo, AnOfferInADirectoryThatIsNotThereSaysSo) {
  transports::SetUp how = set_up();
  how.rendezvous = directory_.path() + "/missing/s.sock";
  auto offer = fifo_transport().offer(how);
  ASSERT_FALSE(offer.ok());
  EXPECT_EQ(offer.status().code(), StatusCode::kNotFound);
  EXPECT_NE(offer.status().message().find("/missing/"), std::string::npos) << offer.status();
}

// An adopted socket has no name lock, so nobody could tell a name that was left behind.
TEST_F(Fifo, WithoutARendezvousItNeverHasANameAndCarriesTheSame) {
  transports::SetUp how = set_up();
  how.rendezvous.clear();
  const auto offer = fifo_transport().offer(how);
  ASSERT_TRUE(offer.ok()) << offer.status();
  for (const int end : (*offer)->descriptors()) {
    const std::string link = "/proc/self/fd/" + std::to_string(end);
    EXPECT_EQ(std::filesystem::read_symlink(link).string().rfind("pipe:", 0), 0U);
  }
  const LanePair pair = make_pair(fifo_transport(), how);
  const std::byte sent = pattern(1);
  const iovec part{const_cast<std::byte*>(&sent), 1};
  ASSERT_EQ(pair.client->write({&part, 1}, {}).outcome, Io::kDone);
  std::array<std::byte, 8> received{};
  ASSERT_EQ(pair.server->read_parked(received, kNever).bytes, 1U);
  EXPECT_EQ(received[0], sent);
}

// Both kinds: a hostile client of another uid opens its ends anew, without rights to the directory.
TEST_F(Fifo, AClientOfAnotherUidOpensItsEndsAnew) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to be two users";
  for (const std::string& rendezvous : {directory_.socket(), std::string()}) {
    transports::SetUp how = set_up(Trust::kHostile);
    how.rendezvous = rendezvous;
    how.peer.uid = 65534;
    const auto offer = fifo_transport().offer(how);
    ASSERT_TRUE(offer.ok()) << offer.status();
    ferry::testing::Process client([&] {
      if (::setresuid(65534, 65534, 65534) != 0) return 2;
      Ends control = control_sockets();
      const auto lane =
          fifo_transport().join(how, 0, duplicates((*offer)->descriptors()), control.client);
      if (!lane.ok()) std::fprintf(stderr, "%s\n", lane.status().to_string().c_str());
      return lane.ok() ? 0 : 1;
    });
    EXPECT_EQ(client.wait(), 0) << "rendezvous: " << rendezvous;
  }
}

TEST_F(Fifo, ABlockingReadIsInterruptedAndLosesNothing) {
  const LanePair pair = connect();
  std::array<std::byte, 64> buffer{};
  for (int round = 0; round < 200; ++round) {
    std::thread other([&] { pair.client->interrupt(); });
    ASSERT_EQ(pair.client->read_parked(buffer, kNever).outcome, Io::kInterrupted);
    other.join();
    const std::byte value = pattern(static_cast<std::size_t>(round));
    const iovec part{const_cast<std::byte*>(&value), 1};
    ASSERT_EQ(pair.server->write({&part, 1}, {}).outcome, Io::kDone);
    const IoResult io = pair.client->read_parked(buffer, kNever);
    ASSERT_EQ(io.outcome, Io::kDone);
    ASSERT_EQ(io.bytes, 1U);
    ASSERT_EQ(buffer[0], value);
    ASSERT_EQ(pair.client->read(buffer).outcome, Io::kWouldBlock);
  }
}

// Interrupts at every moment of a stream, with buffers below and above what the FIFO holds.
TEST_F(Fifo, InterruptsNeverTouchTheStream) {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{13}, std::size_t{4000}, std::size_t{200000}}) {
    const LanePair pair = connect();
    const std::size_t total = size < 100 ? 30'000 : 4'000'000;
    std::atomic<bool> over{false};
    std::thread interrupter([&] {
      while (!over.load()) {
        pair.client->interrupt();
        std::this_thread::yield();
      }
    });
    std::thread writer([&] {
      std::vector<std::byte> bytes;
      for (std::size_t at = 0; at < total;) {
        bytes.resize(std::min(total - at, 1 + at % 9000));
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern(at + i);
        const iovec part{bytes.data(), bytes.size()};
        const IoResult io = pair.server->write({&part, 1}, {});
        at += io.bytes;
        if (io.outcome == Io::kWouldBlock) {
          ASSERT_EQ(pair.server->wait_writable(kNever).outcome, Io::kDone);
        }
        if (at % 64 == 0) std::this_thread::yield();  // lets the reader block now and then
      }
    });
    std::vector<std::byte> buffer(size);
    for (std::size_t at = 0, turn = 0; at < total; ++turn) {
      const IoResult io =
          turn % 5 == 0 ? pair.client->read(buffer) : pair.client->read_parked(buffer, kNever);
      if (io.outcome != Io::kDone) continue;
      for (std::size_t i = 0; i < io.bytes; ++i, ++at) {
        if (buffer[i] != pattern(at)) {
          over = true;
          FAIL() << "byte " << at << " is wrong, buffers of " << size;
        }
      }
    }
    // Nothing is left but interrupts.
    EXPECT_EQ(pair.client->read_parked(buffer, kNever).outcome, Io::kInterrupted);
    over = true;
    interrupter.join();
    writer.join();
    EXPECT_EQ(pair.client->read(buffer).outcome, Io::kWouldBlock);
  }
}

TEST_F(Fifo, ABlockingReadThatCannotBeWokenEndsWithTheConnection) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a sanitizer needs descriptors of its own, and here there are none";
#endif
  LanePair pair = connect();
  std::atomic<bool> reading{false};
  Io outcome = Io::kDone;
  std::thread reader([&] {
    std::array<std::byte, 8> buffer{};
    reading = true;
    do outcome = pair.client->read_parked(buffer, kNever).outcome;
    while (outcome == Io::kInterrupted);  // it had not parked yet
  });
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const rlimit full{0, old.rlim_max};
  ASSERT_TRUE(ferry::testing::eventually([&] { return reading.load(); }));
  ASSERT_TRUE(ferry::testing::eventually([&] {
    ::setrlimit(RLIMIT_NOFILE, &full);
    pair.client->interrupt();
    ::setrlimit(RLIMIT_NOFILE, &old);
    return !pair.client->failure().ok();
  }));
  EXPECT_EQ(pair.client->failure().code(), StatusCode::kResourceExhausted);
  // What a server does about it: its control socket says that the client is gone.
  ASSERT_EQ(pair.server->on_control_readable().outcome, Io::kClosed);
  pair.server.reset();
  reader.join();
  EXPECT_TRUE(outcome == Io::kClosed || outcome == Io::kFailed);
}

// The ends that a server may pass instead of the right ones.
TEST_F(Fifo, JoinRefusesEverythingElseAndKeepsTheControlSocket) {
  auto offer = fifo_transport().offer(set_up());
  ASSERT_TRUE(offer.ok());
  const std::vector<int> good = (*offer)->descriptors();
  ASSERT_EQ(good.size(), 4U);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const UniqueFd path(
      ::open(("/proc/self/fd/" + std::to_string(good[0])).c_str(), O_PATH | O_CLOEXEC));
  const std::size_t before = ferry::testing::open_descriptors();
  for (const std::vector<int>& bad :
       std::vector<std::vector<int>>{{},
                                     {good[0], good[1], good[2]},
                                     {good[0], good[1], good[2], good[3], good[3]},
                                     {null.get(), good[1], good[2], good[3]},
                                     {good[0], good[1], null.get(), good[3]},
                                     {path.get(), good[1], good[2], good[3]},
                                     {good[2], good[1], good[0], good[3]},
                                     {good[3], good[3], good[2], good[3]},
                                     {good[0], good[3], good[2], good[3]},
                                     {good[0], good[1], good[2], good[0]}}) {
    Ends control = control_sockets();
    const auto lane = fifo_transport().join(set_up(), 0, duplicates(bad), control.client);
    ASSERT_FALSE(lane.ok());
    EXPECT_EQ(lane.status().code(), StatusCode::kInvalidArgument) << lane.status();
    EXPECT_TRUE(control.client.valid());
  }
  EXPECT_EQ(ferry::testing::open_descriptors(), before);
}

TEST_F(Fifo, AHostileServerCannotMakeTheClientsWritesBlock) {
  expect_no_call_blocks_without_the_flag(fifo_transport(), set_up(Trust::kHostile), 70'000);
}

}  // namespace
}  // namespace ferry::transports::testing
