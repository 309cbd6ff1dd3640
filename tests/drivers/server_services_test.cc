// Several services on one server, and who owns them.
#include <chrono>
#include <memory>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "tests/drivers/echo_service.h"
#include "tests/support/processes.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using testing::call;
using testing::Directory;
using testing::EchoService;
using testing::kEcho;
using testing::kEchoMethod;

constexpr support::InterfaceInfo kOther{0x07e407e407e407e4, "test.Other"};
constexpr support::MethodInfo kOtherMethod{&kOther, 0, "echo"};

TEST(ServerServices, TwoOfOneInterfaceAreToldApartByName) {
  EchoService one;
  EchoService two;
  const Directory directory;
  Server server;
  server.add(one, {.name = "one"});
  server.add(two, {.name = "two"});
  ASSERT_EQ(server.listen("unix:" + directory.socket()), Status());
  ASSERT_EQ(server.start(), Status());
  auto channel = Channel::connect("unix:" + directory.socket());
  ASSERT_TRUE(channel) << channel.status();
  auto& caller = *channel->ferry_caller();
  EXPECT_TRUE(call(caller, kEchoMethod, "x", {}, kEcho, "two"));
  EXPECT_EQ(one.calls.load(), 0);
  EXPECT_EQ(two.calls.load(), 1);
  EXPECT_EQ(call(caller, kEchoMethod, "x").status().code(), StatusCode::kFailedPrecondition);

  Server clash;
  clash.add(one);
  clash.add(two);
  EXPECT_EQ(clash.listen("unix:" + directory.socket() + "2").code(), StatusCode::kAlreadyExists);
}

TEST(ServerServices, TwoInterfacesShareOneServerAndOneConnection) {
  EchoService echo;
  EchoService other(kOther);
  const Directory directory;
  Server server;
  server.add(echo, {.executor = Executor::kInline});
  server.add(other);
  ASSERT_EQ(server.listen("unix:" + directory.socket()), Status());
  ASSERT_EQ(server.start(), Status());
  auto channel = Channel::connect("unix:" + directory.socket());
  ASSERT_TRUE(channel) << channel.status();
  auto& caller = *channel->ferry_caller();
  EXPECT_TRUE(call(caller, kEchoMethod, "x", {.deadline = 5s}));
  EXPECT_EQ(echo.calls.load(), 1);
  EXPECT_EQ(other.calls.load(), 0);
  EXPECT_TRUE(call(caller, kOtherMethod, "x", {.deadline = 5s}, kOther));
  EXPECT_EQ(echo.calls.load(), 1);
  EXPECT_EQ(other.calls.load(), 1);
  EXPECT_EQ(server.connections(), 1U);
}

TEST(ServerServices, ASharedServiceLivesAsLongAsItsServer) {
  const Directory directory;
  auto echo = std::make_shared<EchoService>();
  const std::weak_ptr<EchoService> alive = echo;
  {
    Server server;
    server.add(std::move(echo));
    ASSERT_EQ(server.listen("unix:" + directory.socket()), Status());
    ASSERT_EQ(server.start(), Status());
    auto channel = Channel::connect("unix:" + directory.socket());
    ASSERT_TRUE(channel) << channel.status();
    EXPECT_TRUE(call(*channel->ferry_caller(), kEchoMethod, "x", {.deadline = 5s}));
    EXPECT_EQ(server.stop(), Status());
    EXPECT_FALSE(alive.expired()) << "the server still has it";
  }
  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace ferry
