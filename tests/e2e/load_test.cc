// Many threads, many connections: no error, every reply right.
#include <atomic>
#include <chrono>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/limits.h>
#include <ferry/server.h>

#include "tests/drivers/echo_service.h"
#include "tests/support/processes.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using testing::call;
using testing::Directory;
using testing::EchoService;
using testing::kEchoMethod;

std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

class LoadTest : public ::testing::TestWithParam<std::string> {
 protected:
  void serve(ServerOptions options = {}) {
    options.log = nullptr;
    server_ = std::make_unique<Server>(std::move(options));
    server_->add(echo_, {.executor = Executor::kInline});
    ASSERT_EQ(server_->listen(target()), Status());
    ASSERT_EQ(server_->start(), Status());
  }
  std::string target() const { return GetParam() + ":" + directory_.socket(); }

  Directory directory_;
  EchoService echo_;
  std::unique_ptr<Server> server_;
};

class SharedChannel : public LoadTest {};

TEST_P(SharedChannel, EightThreadsTimesAHundredThousandCalls) {
  serve();
  auto channel = Channel::connect(target());
  ASSERT_TRUE(channel) << channel.status();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100000; ++i) {
        const std::string text = std::to_string(t * 1000000 + i);
        auto reply = call(*channel->ferry_caller(), kEchoMethod, text);
        if (!reply || *reply != text) wrong.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

INSTANTIATE_TEST_SUITE_P(Lanes, SharedChannel,
                         ::testing::Values("unix", "fifo", "mq", "shm", "memfd"), &name_of);

class ManyConnections : public LoadTest {};

constexpr int kConnections = 200;

TEST_P(ManyConnections, TwoHundredAtOnce) {
  serve();
  std::vector<Channel> channels;
  for (int i = 0; i < kConnections; ++i) {
    auto channel = Channel::connect(target(), {.timeout = 10s});
    ASSERT_TRUE(channel) << i << ": " << channel.status();
    channels.push_back(std::move(*channel));
  }
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < kConnections; ++i) {
      const std::string text = std::to_string(i);
      auto reply = call(*channels[i].ferry_caller(), kEchoMethod, text, {.deadline = 10s});
      ASSERT_TRUE(reply) << reply.status();
      ASSERT_EQ(*reply, text);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lanes, ManyConnections, ::testing::Values("unix", "fifo", "memfd", "auto"),
                         &name_of);

// What GetParam() has room for. Of mq it is counted from what the kernel charges for a queue
// (mq_overview(7)); others of this user may have a few already.
class LimitedConnections : public LoadTest {
 protected:
  static std::pair<std::size_t, std::size_t> room_for(const std::string& scheme) {
    if (scheme == "shm") return {limits::kLaneThreads, limits::kLaneThreads};
    rlimit budget{};
    ::getrlimit(RLIMIT_MSGQUEUE, &budget);
    constexpr std::size_t kPair =
        std::size_t{2} * limits::kQueueMessages * limits::kQueueMessageBytes;
    const std::size_t most = budget.rlim_cur / kPair;
    return {most / 2, most};
  }
};

TEST_P(LimitedConnections, AsManyAsTheLimitAndTheRestAreResourceExhausted) {
  serve();
  std::vector<Channel> channels;
  int refused = 0;
  for (int i = 0; i < kConnections; ++i) {
    auto channel = Channel::connect(target(), {.timeout = 10s});
    if (channel) {
      EXPECT_EQ(refused, 0) << "a later one was let in";
      channels.push_back(std::move(*channel));
      continue;
    }
    ++refused;
    EXPECT_EQ(channel.status().code(), StatusCode::kResourceExhausted) << channel.status();
    const std::string limit = GetParam() == "shm" ? "lane_threads" : "RLIMIT_MSGQUEUE";
    EXPECT_NE(channel.status().message().find(limit), std::string::npos) << channel.status();
  }
  const auto [least, most] = room_for(GetParam());
  EXPECT_GE(channels.size(), least);
  EXPECT_LE(channels.size(), most);
  EXPECT_GT(refused, 0);
  for (Channel& channel : channels) {
    EXPECT_TRUE(call(*channel.ferry_caller(), kEchoMethod, "x", {.deadline = 10s}));
  }
}

INSTANTIATE_TEST_SUITE_P(Lanes, LimitedConnections, ::testing::Values("mq", "shm"), &name_of);

}  // namespace
}  // namespace ferry
