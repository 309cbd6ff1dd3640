// Lanes driven by an event loop: arm, sleep in poll (or until the callback comes), look.
#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <poll.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/conformance/lanes.h"
#include "tests/conformance/traffic.h"

namespace ferry::transports::testing {
namespace {

// The smallest loop there is: one lane. Never parks in the lane, but for lanes that only a thread
// can wait for.
class TinyLoop {
 public:
  explicit TinyLoop(Lane& lane) : lane_(lane) {
    if (lane_.wait_mode() != WaitMode::kCallback) return;
    lane_.set_ready_callback([this] {
      const std::lock_guard lock(mutex_);
      ready_ = true;
      changed_.notify_one();
    });
  }
  ~TinyLoop() { lane_.set_ready_callback({}); }
  TinyLoop(const TinyLoop&) = delete;
  TinyLoop& operator=(const TinyLoop&) = delete;

  // Sleeps until there may be input, or room as well when `room` is asked for.
  void wait_for_news(bool room) {
    if (lane_.arm()) wait(room);
    lane_.disarm();
  }

  // Fills `into`, sleeping in between. kDone, or why it ended.
  Io read(std::span<std::byte> into) {
    while (!into.empty()) {
      const IoResult io = lane_.wait_mode() == WaitMode::kThread ? lane_.read_parked(into, kNever)
                                                                 : lane_.read(into);
      if (io.outcome == Io::kDone) {
        into = into.subspan(io.bytes);
      } else if (io.outcome == Io::kWouldBlock) {
        wait_for_news(false);
      } else {
        return io.outcome;
      }
    }
    return Io::kDone;
  }

  Io write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const IoResult io = write_once(lane_, bytes);
      if (io.outcome == Io::kDone) {
        bytes = bytes.subspan(io.bytes);
      } else if (io.outcome != Io::kWouldBlock) {
        return io.outcome;
      } else if (lane_.wait_mode() == WaitMode::kThread) {
        static_cast<void>(lane_.wait_writable(kNever));
      } else {
        wait_for_news(true);
      }
    }
    return Io::kDone;
  }

 private:
  void wait(bool room) {
    if (lane_.wait_mode() == WaitMode::kCallback) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ready_; });
      ready_ = false;
      return;
    }
    const PollSet set = lane_.poll_set();
    std::array<pollfd, 3> watched{{{set.readable, POLLIN, 0},
                                   {over_ ? -1 : set.control, POLLIN | POLLRDHUP, 0},
                                   {room ? set.writable : -1, POLLOUT, 0}}};
    while (::poll(watched.data(), watched.size(), -1) < 0) ASSERT_EQ(errno, EINTR);
    if (watched[0].revents != 0) lane_.clear_bell();
    if (watched[1].revents != 0) {
      // It stays readable once the peer is gone.
      over_ = lane_.on_control_readable().outcome != Io::kWouldBlock;
    }
  }

  Lane& lane_;
  bool over_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ready_ = false;
};

class LaneInALoop : public LaneTest {};
INSTANTIATE_TEST_SUITE_P(All, LaneInALoop, ::testing::ValuesIn(all_lanes()), case_name);

TEST_P(LaneInALoop, NoWakeUpIsLostBetweenLoops) {
  connect();
  constexpr std::size_t kTurns = 20'000;
  std::thread echo([this] {
    TinyLoop loop(second());
    std::array<std::byte, 16> call{};
    for (std::size_t turn = 0; turn < kTurns; ++turn) {
      ASSERT_EQ(loop.read(call), Io::kDone);
      ASSERT_EQ(loop.write(call), Io::kDone);
    }
  });
  TinyLoop loop(first());
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    ASSERT_EQ(loop.write(stretch(turn, 16)), Io::kDone);
    std::array<std::byte, 16> answer{};
    ASSERT_EQ(loop.read(answer), Io::kDone);
    ASSERT_EQ(difference(answer, turn), "") << turn;
  }
  echo.join();
}

TEST_P(LaneInALoop, NoWakeUpIsLostBetweenALoopAndAParkedThread) {
  connect();
  constexpr std::size_t kTurns = 20'000;
  std::thread echo([this] {
    TinyLoop loop(first());
    std::array<std::byte, 16> call{};
    for (std::size_t turn = 0; turn < kTurns; ++turn) {
      ASSERT_EQ(loop.read(call), Io::kDone);
      ASSERT_EQ(loop.write(call), Io::kDone);
    }
  });
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    ASSERT_EQ(write_all(second(), stretch(turn, 16)), Io::kDone);
    std::array<std::byte, 16> answer{};
    ASSERT_EQ(read_all(second(), answer), Io::kDone);
    ASSERT_EQ(difference(answer, turn), "") << turn;
  }
  echo.join();
}

TEST_P(LaneInALoop, AnnouncesRoomToAWriterThatFoundNone) {
  connect();
  constexpr std::size_t kBytes = std::size_t{3} << 20;
  std::thread writer([this] {
    TinyLoop loop(first());
    EXPECT_EQ(loop.write(stretch(0, kBytes)), Io::kDone) << first().failure();
  });
  TinyLoop loop(second());
  std::vector<std::byte> buffer(3000);
  for (std::size_t received = 0; received < kBytes;) {
    const std::size_t size = std::min(buffer.size(), kBytes - received);
    ASSERT_EQ(loop.read(std::span(buffer).first(size)), Io::kDone) << second().failure();
    ASSERT_EQ(difference(std::span(buffer).first(size), received), "");
    received += size;
  }
  writer.join();
}

TEST_P(LaneInALoop, TellsOfThePeersEndAfterWhatItSent) {
  connect();
  ASSERT_EQ(write_all(second(), stretch(0, 1000)), Io::kDone);
  std::thread closer([this] { lanes_.second.reset(); });
  TinyLoop loop(first());
  std::vector<std::byte> received(1000);
  EXPECT_EQ(loop.read(received), Io::kDone);
  EXPECT_EQ(difference(received, 0), "");
  EXPECT_EQ(loop.read(received), Io::kClosed);
  closer.join();
}

TEST_P(LaneInALoop, TellsAWriterOfThePeersEnd) {
  connect();
  ASSERT_GT(fill(first()), 0U);
  std::thread closer([this] { lanes_.second.reset(); });
  TinyLoop loop(first());
  const auto bytes = stretch(0, 3000);
  Io outcome = Io::kDone;
  while (outcome == Io::kDone) outcome = loop.write(bytes);
  EXPECT_EQ(outcome, Io::kClosed) << first().failure();
  closer.join();
}

TEST_P(LaneInALoop, DoesNotGoToSleepOnInput) {
  connect();
  ASSERT_EQ(write_all(second(), stretch(0, 10)), Io::kDone);
  // Either arm() says so, or the descriptor is readable without being waited for.
  bool awake = !first().arm();
  if (!awake && first().wait_mode() == WaitMode::kDescriptor) {
    pollfd readable{first().poll_set().readable, POLLIN, 0};
    awake = ::poll(&readable, 1, -1) == 1;
  }
  EXPECT_TRUE(awake);
  first().disarm();
  EXPECT_EQ(drain(first(), 0), 10U);
}

}  // namespace
}  // namespace ferry::transports::testing
