// Where one rule ends and the next begins: sizes around a chunk, times without end, a fork.
#include <chrono>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/limits.h>
#include <ferry/server.h>

#include "runtime/support/greeting.capnp.h"
#include "runtime/support/greeting.h"
#include "tests/drivers/echo_service.h"
#include "tests/support/processes.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using testing::call;
using testing::Directory;
using testing::EchoService;

class BoundariesTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    server_.add(echo_);
    ASSERT_EQ(server_.listen(GetParam() + ":" + directory_.socket()), Status());
    ASSERT_EQ(server_.start(), Status());
  }
  Channel connect() {
    auto channel = Channel::connect(GetParam() + ":" + directory_.socket());
    EXPECT_TRUE(channel) << channel.status();
    return std::move(*channel);
  }

  Directory directory_;
  EchoService echo_;
  Server server_;
};

// A message this large stands in two segments; with their table it is just over what goes in one
// frame, or just not.
TEST_P(BoundariesTest, MessagesAroundOneChunkArriveWhole) {
  const Channel channel = connect();
  std::string text(limits::kChunkBytes + 64, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  for (std::size_t size = limits::kChunkBytes - 128; size <= limits::kChunkBytes + 64; size += 4) {
    const std::string_view part(text.data(), size);
    auto reply = call(*channel.ferry_caller(), testing::kEchoMethod, part, {.deadline = 10s});
    ASSERT_TRUE(reply) << size << ": " << reply.status();
    ASSERT_TRUE(*reply == part) << size;
  }
}

TEST_P(BoundariesTest, ADeadlineOfManyYearsIsNoneAtAll) {
  const Channel channel = connect();
  const auto most = std::chrono::nanoseconds::max() - 1ns;
  auto reply = call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = most});
  EXPECT_TRUE(reply) << reply.status();
}

TEST_P(BoundariesTest, AReplyHeldAcrossForkIsTheParentsAlone) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a sanitizer's own locks may be held by another thread at the fork";
#endif
  const Channel channel = connect();
  support::RawBuilder request;
  support::RawReader reply;
  // More than half a window: giving it back makes a frame of its own.
  const std::string text(limits::kConnectionWindowBytes / 2 + 4096, 'x');
  request.root().setAs<capnp::Data>({reinterpret_cast<const kj::byte*>(text.data()), text.size()});
  ASSERT_EQ(channel.ferry_caller()->call({&testing::kEcho, {}}, testing::kEchoMethod, request,
                                         {.deadline = 10s}, reply),
            Status());
  const pid_t child = ::fork();
  if (child == 0) {
    reply = support::RawReader();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  reply = support::RawReader();
  for (int i = 0; i < 10; ++i) {
    auto again = call(*channel.ferry_caller(), testing::kEchoMethod, text, {.deadline = 10s});
    ASSERT_TRUE(again) << again.status();
  }
}

TEST_P(BoundariesTest, StoppingWithEndlessPatienceStopsOnceNothingIsInFlight) {
  const Channel channel = connect();
  ASSERT_TRUE(call(*channel.ferry_caller(), testing::kEchoMethod, "x", {.deadline = 5s}));
  EXPECT_EQ(server_.stop(kNoDeadline), Status());
}

INSTANTIATE_TEST_SUITE_P(Lanes, BoundariesTest,
                         ::testing::Values("unix", "fifo", "mq", "memfd", "shm"),
                         [](const auto& lane) { return lane.param; });

TEST(Boundaries, AnAdoptedSocketIsNotInheritedByPrograms) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EchoService echo;
  Server server;
  server.add(echo);
  ASSERT_EQ(server.adopt(UniqueFd(ends[0])), Status());
  ASSERT_EQ(server.start(), Status());
  auto channel = Channel::adopt(UniqueFd(ends[1]));
  ASSERT_TRUE(channel) << channel.status();
  for (const int end : ends) EXPECT_EQ(::fcntl(end, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << end;
}

TEST(Boundaries, AGreetingThatClaimsMillionsOfServicesCostsNothing) {
  // A list of structs of no size: any number of them is one word.
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<capnp::AnyPointer>().initAsAnyStruct(2, 1);
  root.getPointerSection()[0].initAsListOfAnyStruct(0, 0, 8'000'000);
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  ASSERT_LT(bytes.size(), 100U);
  const auto greeting =
      support::decode_greeting({reinterpret_cast<const char*>(bytes.begin()), bytes.size()});
  EXPECT_EQ(greeting.status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace ferry
