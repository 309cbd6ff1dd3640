// Lanes through rings, over every kind of bell: what the two halves, their bells and their ends
// promise. The contract of all lanes is in tests/conformance.
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <string>
#include <sys/wait.h>
#include <thread>

#include <gtest/gtest.h>

#include "tests/transports/lane_pair.h"
#include "transports/memfd/memfd.h"
#include "transports/shm/shm.h"

namespace ferry::transports {
namespace {

using namespace std::chrono_literals;

struct Kind {
  const char* name;
  const Transport& (*transport)();
  Trust trust;
};

class RingLanes : public ::testing::TestWithParam<Kind> {
 protected:
  testing::LanePair make(std::size_t ring_bytes = limits::kRingBytesLeast) {
    return testing::make_pair(GetParam().transport(),
                              testing::set_up_for(GetParam().trust, ring_bytes));
  }
};

INSTANTIATE_TEST_SUITE_P(All, RingLanes,
                         ::testing::Values(Kind{"memfd_eventfd", memfd_transport, Trust::kSameUser},
                                           Kind{"memfd_socketpair", memfd_transport,
                                                Trust::kHostile},
                                           Kind{"shm", shm_transport, Trust::kSameUser}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TimePoint soon(std::chrono::milliseconds time = 20s) { return Clock::now() + time; }

// Writes all of `bytes`, parking when there is no room. False when the lane ended.
bool send(Lane& lane, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    const IoResult result = lane.write({&piece, 1}, {});
    if (result.outcome == Io::kDone) {
      bytes = bytes.subspan(result.bytes);
    } else if (result.outcome != Io::kWouldBlock ||
               lane.wait_writable(soon()).outcome != Io::kDone) {
      return false;
    }
  }
  return true;
}

bool send(Lane& lane, std::string_view text) { return send(lane, std::as_bytes(std::span(text))); }

// Fills `into`, parking when there is nothing.
bool receive(Lane& lane, std::span<std::byte> into) {
  while (!into.empty()) {
    const IoResult result = lane.read_parked(into, soon());
    if (result.outcome != Io::kDone) return false;
    into = into.subspan(result.bytes);
  }
  return true;
}

std::string receive(Lane& lane, std::size_t size) {
  std::string text(size, '\0');
  return receive(lane, std::as_writable_bytes(std::span(text))) ? text : "(ended)";
}

TEST_P(RingLanes, TwoThreadsThatParkAnswerEachOther) {
  auto pair = make();
  constexpr std::uint32_t kCalls = 20'000;
  std::thread server([&] {
    for (std::uint32_t i = 0; i < kCalls; ++i) {
      std::array<std::byte, 64> call;
      if (!receive(*pair.server, call) || !send(*pair.server, call)) return;
    }
  });
  for (std::uint32_t i = 0; i < kCalls; ++i) {
    std::array<std::byte, 64> call{};
    std::memcpy(call.data(), &i, sizeof i);
    std::array<std::byte, 64> reply;
    ASSERT_TRUE(send(*pair.client, call));
    ASSERT_TRUE(receive(*pair.client, reply)) << pair.client->failure();
    ASSERT_EQ(call, reply);
  }
  server.join();
}

TEST_P(RingLanes, ReadingAndWritingHalvesMayParkAtOnceOnBothSides) {
  auto pair = make();
  constexpr std::size_t kBytes = 1 << 20;
  const auto write_all = [](Lane& lane) {
    std::vector<std::byte> data(kBytes);
    for (std::size_t i = 0; i < kBytes; ++i) data[i] = static_cast<std::byte>(i * 31 + i / 4096);
    EXPECT_TRUE(send(lane, data)) << lane.failure();
  };
  const auto read_all = [](Lane& lane) {
    std::vector<std::byte> data(kBytes);
    ASSERT_TRUE(receive(lane, data)) << lane.failure();
    for (std::size_t i = 0; i < kBytes; ++i) {
      ASSERT_EQ(data[i], static_cast<std::byte>(i * 31 + i / 4096)) << i;
    }
  };
  std::thread threads[] = {std::thread(write_all, std::ref(*pair.server)),
                           std::thread(read_all, std::ref(*pair.server)),
                           std::thread(write_all, std::ref(*pair.client)),
                           std::thread(read_all, std::ref(*pair.client))};
  for (std::thread& thread : threads) thread.join();
}

TEST_P(RingLanes, DescriptorsComeInOrderWithTheBytesTheyWereSentWith) {
  auto pair = make();
  for (int round = 0; round < 3; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
    const UniqueFd read_end(pipe_ends[0]);
    const UniqueFd write_end(pipe_ends[1]);
    std::string text = "frame";
    const iovec piece{text.data(), text.size()};
    const int passed[] = {read_end.get(), write_end.get()};
    ASSERT_EQ(pair.client->write({&piece, 1}, passed).outcome, Io::kDone);
    EXPECT_EQ(receive(*pair.server, text.size()), text);
    std::vector<UniqueFd> taken;
    ASSERT_TRUE(pair.server->take_descriptors(2, taken).ok()) << pair.server->failure();
    ASSERT_EQ(taken.size(), 2U);
    ASSERT_EQ(::write(taken[1].get(), "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(::read(taken[0].get(), &byte, 1), 1);
    EXPECT_EQ(::fcntl(taken[0].get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST_P(RingLanes, DescriptorsWithoutRoomForTheirFirstByteArePassedOnce) {
  auto pair = make();
  std::string fill(limits::kRingBytesLeast, 'x');
  ASSERT_TRUE(send(*pair.client, fill));
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int passed[] = {null.get()};
  std::string text = "frame";
  const iovec piece{text.data(), text.size()};
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(pair.client->write({&piece, 1}, passed).outcome, Io::kWouldBlock);
  }
  EXPECT_EQ(receive(*pair.server, fill.size()), fill);
  ASSERT_EQ(pair.client->write({&piece, 1}, passed).outcome, Io::kDone);
  EXPECT_EQ(receive(*pair.server, text.size()), text);
  std::vector<UniqueFd> taken;
  ASSERT_TRUE(pair.server->take_descriptors(1, taken).ok()) << pair.server->failure();
  ASSERT_EQ(pair.client->write({&piece, 1}, {}).outcome, Io::kDone);
  EXPECT_FALSE(pair.server->take_descriptors(1, taken).ok()) << "they were passed twice";
}

TEST_P(RingLanes, AnInterruptEndsOneWaitThatIsParkedOrTheNext) {
  auto pair = make();
  std::array<std::byte, 8> into;
  pair.client->interrupt();
  EXPECT_EQ(pair.client->read_parked(into, soon()).outcome, Io::kInterrupted);
  EXPECT_EQ(pair.client->read_parked(into, Clock::now() + 5ms).outcome, Io::kTimedOut);
  for (int i = 0; i < 200; ++i) {
    std::thread other([&] { pair.client->interrupt(); });
    EXPECT_EQ(pair.client->read_parked(into, soon()).outcome, Io::kInterrupted);
    other.join();
  }
  ASSERT_TRUE(send(*pair.server, std::string(limits::kRingBytesLeast, 'x')));
  std::thread other([&] { pair.server->interrupt(); });
  EXPECT_EQ(pair.server->wait_writable(soon()).outcome, Io::kInterrupted);
  other.join();
}

TEST_P(RingLanes, InputAlsoEndsAWaitForRoom) {
  auto pair = make();
  ASSERT_TRUE(send(*pair.client, std::string(limits::kRingBytesLeast, 'x')));
  std::thread other([&] { ASSERT_TRUE(send(*pair.server, "input")); });
  EXPECT_EQ(pair.client->wait_writable(soon()).outcome, Io::kDone);
  other.join();
  EXPECT_EQ(receive(*pair.client, 5), "input");
  EXPECT_EQ(pair.client->wait_writable(Clock::now() + 5ms).outcome, Io::kTimedOut);
}

TEST_P(RingLanes, AGoodByeIsSeenAfterWhatWasWrittenBeforeIt) {
  auto pair = make();
  ASSERT_TRUE(send(*pair.server, "last words"));
  pair.server.reset();
  EXPECT_EQ(receive(*pair.client, 10), "last words");
  std::array<std::byte, 8> into;
  // Without any system call, so that a reader that spins sees it.
  EXPECT_EQ(pair.client->read(into).outcome, Io::kClosed);
  std::string text = "x";
  const iovec piece{text.data(), 1};
  EXPECT_EQ(pair.client->write({&piece, 1}, {}).outcome, Io::kClosed);
  EXPECT_EQ(pair.client->wait_writable(soon()).outcome, Io::kClosed);
  EXPECT_EQ(pair.client->failure().code(), StatusCode::kUnavailable);
}

TEST_P(RingLanes, AGoodByeWakesAParkedReaderAndAParkedWriter) {
  for (const bool writer : {false, true}) {
    auto pair = make();
    if (writer) {
      ASSERT_TRUE(send(*pair.client, std::string(limits::kRingBytesLeast, 'x')));
    }
    std::thread other([&] { pair.server.reset(); });
    std::array<std::byte, 8> into;
    EXPECT_EQ(writer ? pair.client->wait_writable(soon()).outcome
                     : pair.client->read_parked(into, soon()).outcome,
              Io::kClosed);
    other.join();
  }
}

TEST_P(RingLanes, HangUpWakesAParkedReader) {
  auto pair = make();
  std::thread other([&] { pair.server->hang_up(); });
  std::array<std::byte, 8> into;
  EXPECT_EQ(pair.server->read_parked(into, soon()).outcome, Io::kClosed);
  other.join();
}

// The parent is the server, a forked child the client, so that a kill leaves no good-bye.
TEST_P(RingLanes, AKilledPeerIsSeenAfterWhatItWrote) {
  const auto set_up = testing::set_up_for(GetParam().trust, limits::kRingBytesLeast);
  const Transport& transport = GetParam().transport();
  testing::Ends control = testing::control_sockets();
  auto offer = transport.offer(set_up);
  ASSERT_TRUE(offer.ok()) << offer.status();
  auto passed = testing::duplicates((*offer)->descriptors());
  const pid_t child = ::fork();
  if (child == 0) {
    control.server.reset();
    auto lane = transport.join(set_up, (*offer)->parameter(), std::move(passed), control.client);
    if (!lane || !send(**lane, "last words")) ::_exit(1);
    for (;;) ::pause();
  }
  control.client.reset();
  passed.clear();
  auto lane = (*offer)->accept(std::move(control.server));
  ASSERT_TRUE(lane.ok()) << lane.status();
  EXPECT_EQ(receive(**lane, 10), "last words");
  std::thread killer([&] { ::kill(child, SIGKILL); });
  std::array<std::byte, 8> into;
  EXPECT_EQ((*lane)->read_parked(into, soon()).outcome, Io::kClosed) << (*lane)->failure();
  killer.join();
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  std::string fill(2 * limits::kRingBytesLeast, 'x');
  EXPECT_FALSE(send(**lane, fill));
}

TEST_P(RingLanes, AForkedChildThatDropsItsCopiesDisturbsNobody) {
  auto pair = make();
  std::array<std::byte, 8> into;
  ASSERT_EQ(pair.client->read_parked(into, Clock::now() + 1ms).outcome, Io::kTimedOut);
  const pid_t child = ::fork();
  if (child == 0) {
    pair.client.reset();
    pair.server.reset();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "the child touched memory that it does not have";
  ASSERT_TRUE(send(*pair.client, "still"));
  EXPECT_EQ(receive(*pair.server, 5), "still");
  std::thread other([&] { EXPECT_EQ(receive(*pair.server, 4), "here"); });
  ASSERT_TRUE(send(*pair.client, "here"));
  other.join();
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 4096; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

TEST_P(RingLanes, NothingIsLeftOpen) {
  { auto warm_up = make(); }
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    auto pair = make();
    ASSERT_TRUE(send(*pair.client, std::string(limits::kRingBytesLeast, 'x')));
    EXPECT_EQ(pair.client->wait_writable(Clock::now()).outcome, Io::kTimedOut);
    std::array<std::byte, 8> into;
    EXPECT_EQ(pair.client->read_parked(into, Clock::now()).outcome, Io::kTimedOut);
    auto unused = GetParam().transport().offer(testing::set_up_for(GetParam().trust));
    EXPECT_TRUE(unused.ok());
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace ferry::transports
