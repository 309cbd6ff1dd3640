// A small unary call allocates nothing of ours once it is warm: client, server and both codecs.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "tests/support/processes.h"
#include "texts.capnp.ferry.h"

// glibc's own allocator, under the names it exports for programs that replace malloc (malloc(3),
// "Replacing malloc" in the glibc manual).
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* old, std::size_t bytes);
}

namespace {

std::atomic<bool> counting{false};
std::atomic<long> allocations{0};

void count() {
  if (counting.load(std::memory_order_relaxed)) {
    allocations.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

extern "C" {
void* malloc(std::size_t bytes) {
  count();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t number, std::size_t bytes) {
  count();
  return __libc_calloc(number, bytes);
}
void* realloc(void* old, std::size_t bytes) {
  count();
  return __libc_realloc(old, bytes);
}
}

namespace ferry {
namespace {

using namespace std::chrono_literals;

class PlainTexts final : public Service<cost::Texts> {
  Result<RepeatReply> repeat(ServerContext&, RepeatParams in) override {
    return RepeatReply{.text = std::string(in.text)};  // short: stays inside the std::string
  }
};

class MessageTexts final : public Service<cost::Texts> {
  Status repeat(ServerContext&, MessageReader<cost::Texts::RepeatParams> in,
                MessageBuilder<cost::Texts::RepeatResults>& out) override {
    out->setText(in->getText());
    return {};
  }
};

constexpr int kWarmUp = 500;
constexpr int kCalls = 2000;

std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

class Allocations : public ::testing::TestWithParam<std::string> {
 protected:
  // Allocations of the whole process, both ends, over kCalls calls of `call`.
  template <typename Call>
  static long over_calls(Call&& call) {
    for (int i = 0; i < kWarmUp; ++i) EXPECT_TRUE(call());
    allocations.store(0);
    counting.store(true);
    bool right = true;
    for (int i = 0; i < kCalls; ++i) right = call() && right;
    counting.store(false);
    EXPECT_TRUE(right);
    return allocations.load();
  }

  void serve(support::ServiceBase& service, Executor executor) {
    server_.add(service, {.executor = executor});
    ASSERT_EQ(server_.listen(GetParam() + ":" + directory_.socket()), Status());
    ASSERT_EQ(server_.start(), Status());
    auto channel = Channel::connect(GetParam() + ":" + directory_.socket());
    ASSERT_TRUE(channel) << channel.status();
    channel_ = std::make_unique<Channel>(std::move(*channel));
  }

  testing::Directory directory_;
  PlainTexts plain_;
  MessageTexts message_;
  Server server_;
  std::unique_ptr<Channel> channel_;
};

TEST_P(Allocations, AreNoneInMessageFormWithTexts) {
  serve(message_, Executor::kInline);
  const Stub<cost::Texts> texts(*channel_);
  EXPECT_EQ(over_calls([&] {
              MessageBuilder<cost::Texts::RepeatParams> request;
              request->setText("a text that no std::string could keep inside itself");
              auto reply = texts.repeat(request, {.deadline = 5s});
              return reply.ok() && (*reply)->getText().size() == 51;
            }),
            0);
}

TEST_P(Allocations, AreNoneInPlainFormWithShortTexts) {
  serve(plain_, Executor::kInline);
  const Stub<cost::Texts> texts(*channel_);
  EXPECT_EQ(over_calls([&] {
              auto reply = texts.repeat({.text = "world"}, {.deadline = 5s});
              return reply.ok() && reply->text == "world";
            }),
            0);
}

TEST_P(Allocations, AreNoneOnTheWorkerPool) {
  serve(message_, Executor::kPool);
  const Stub<cost::Texts> texts(*channel_);
  EXPECT_EQ(over_calls([&] {
              MessageBuilder<cost::Texts::RepeatParams> request;
              request->setText("world");
              return texts.repeat(request, {.deadline = 5s}).ok();
            }),
            0);
}

INSTANTIATE_TEST_SUITE_P(Lanes, Allocations,
                         ::testing::Values("unix", "fifo", "mq", "shm", "memfd"), name_of);

}  // namespace
}  // namespace ferry
