// Peers that speak the lane but not the rules, against a real Server and a real client connection.
#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "runtime/drivers/client_connection.h"
#include "runtime/support/greeting.h"
#include "tests/drivers/echo_service.h"
#include "tests/protocol/endpoint.h"
#include "tests/support/processes.h"
#include "transports/rendezvous/client.h"
#include "transports/rendezvous/connected.h"
#include "transports/target.h"
#include "transports/unix/unix_lane.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using drivers::ClientConnection;
using protocol::FrameType;
using protocol::testing::raw_bare;
using protocol::testing::some_descriptor;
using testing::call;
using testing::Directory;
using testing::EchoService;
using testing::eventually;
using transports::Io;
using transports::Lane;

transports::IoResult write(Lane& lane, const std::vector<std::byte>& bytes,
                           std::span<const int> descriptors = {}) {
  const iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return lane.write({&part, 1}, descriptors);
}

// A client of a real server that has shaken hands, and now says what it likes.
std::unique_ptr<Lane> connect_raw(const std::string& text) {
  auto target = transports::parse_target(text);
  EXPECT_TRUE(target) << target.status();
  transports::ConnectOptions options;
  options.greeting = support::encode_greeting({});
  auto connected = transports::connect(*target, options);
  EXPECT_TRUE(connected) << connected.status();
  return connected ? std::move(connected->lane) : nullptr;
}

class HostileClientTest : public ::testing::TestWithParam<std::string> {
 protected:
  void serve() {
    server_ = std::make_unique<Server>(ServerOptions{.spin = Spin::kOff});
    server_->add(echo_);
    ASSERT_EQ(server_->listen(target()), Status());
    ASSERT_EQ(server_->start(), Status());
  }
  std::string target() const { return GetParam() + ":" + directory_.socket(); }

  Directory directory_;
  EchoService echo_;
  std::unique_ptr<Server> server_;
};

TEST_P(HostileClientTest, OneThatLeavesWithMessagesUnreadIsNoticed) {
  serve();
  auto lane = connect_raw(target());
  ASSERT_NE(lane, nullptr);
  ASSERT_TRUE(eventually([&] { return server_->connections() == 1; }));
  for (int i = 0; i < 4; ++i) {  // as many as a queue of mq takes
    ASSERT_EQ(write(*lane, raw_bare(FrameType::kCredit).bytes()).outcome, Io::kDone);
  }
  lane.reset();
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }, 2000ms));
}

TEST_P(HostileClientTest, AFrameWithALyingLengthEndsItsConnectionAndNoOther) {
  serve();
  auto good = Channel::connect(target());
  ASSERT_TRUE(good) << good.status();
  auto lane = connect_raw(target());
  ASSERT_NE(lane, nullptr);
  ASSERT_TRUE(eventually([&] { return server_->connections() == 2; }));
  auto frame = raw_bare(FrameType::kPing);
  frame.header.size = 12;
  ASSERT_EQ(write(*lane, frame.bytes()).outcome, Io::kDone);
  EXPECT_TRUE(eventually([&] { return server_->connections() == 1; }));
  auto reply = call(*good->ferry_caller(), testing::kEchoMethod, "still here", {.deadline = 5s});
  EXPECT_TRUE(reply) << reply.status();
}

INSTANTIATE_TEST_SUITE_P(Lanes, HostileClientTest,
                         ::testing::Values("unix", "fifo", "mq", "memfd", "shm"),
                         [](const auto& lane) { return lane.param; });

// A TCP socket whose last close waits a minute for a receiver that never reads.
UniqueFd lingering_socket(UniqueFd& receiver) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  UniqueFd sender(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::connect(sender.get(), reinterpret_cast<sockaddr*>(&address), size);
  receiver.reset(::accept(listener.get(), nullptr, nullptr));
  const std::vector<std::byte> block(std::size_t{1} << 16);
  while (::send(sender.get(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
  }
  const linger wait{1, 60};
  EXPECT_EQ(::setsockopt(sender.get(), SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)), 0);
  return sender;
}

TEST_P(HostileClientTest, ASocketThatLingersDoesNotHoldUpTheLoop) {
  serve();
  auto good = Channel::connect(target());
  ASSERT_TRUE(good) << good.status();
  auto lane = connect_raw(target());
  ASSERT_NE(lane, nullptr);
  UniqueFd receiver;
  UniqueFd sender = lingering_socket(receiver);
  auto frame = protocol::testing::raw_call(1 << 16, protocol::testing::words(1), 1, {0});
  const auto bytes = frame.bytes();
  const int number = sender.get();
  ASSERT_EQ(write(*lane, bytes, {&number, 1}).outcome, Io::kDone);
  sender.reset();  // never the last: the message holds it
  for (int i = 0; i < 3; ++i) {
    auto reply = call(*good->ferry_caller(), testing::kEchoMethod, "x", {.deadline = 10s});
    ASSERT_TRUE(reply) << reply.status();
  }
}

class UndeclaredDescriptorsTest : public HostileClientTest {};

TEST_P(UndeclaredDescriptorsTest, EndTheConnection) {
  serve();
  auto lane = connect_raw(target());
  ASSERT_NE(lane, nullptr);
  ASSERT_TRUE(eventually([&] { return server_->connections() == 1; }));
  const UniqueFd file = some_descriptor();
  const int number = file.get();
  ASSERT_EQ(write(*lane, raw_bare(FrameType::kCredit).bytes(), {&number, 1}).outcome, Io::kDone);
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Lanes, UndeclaredDescriptorsTest, ::testing::Values("unix"),
                         [](const auto& lane) { return lane.param; });

// A client connection over a socketpair whose other end is ours.
class HostileServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    UniqueFd client(ends[0]);
    peer_.reset(ends[1]);
    auto lane = transports::UnixLane::make(transports::UnixLane::Side::kClient, client);
    ASSERT_TRUE(lane) << lane.status();
    connection_ = std::make_shared<ClientConnection>(std::move(*lane), protocol::Session::Options{},
                                                     Spin::kOff);
  }
  ClientConnection::Outcome call_for(std::chrono::nanoseconds time) {
    support::WireMessage reply;
    return connection_->call({}, {}, transports::deadline_after(time), reply);
  }
  void say(const std::vector<std::byte>& bytes) {
    ASSERT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  UniqueFd peer_;
  std::shared_ptr<ClientConnection> connection_;
};

TEST_F(HostileServerTest, ABrokenRuleIsNotTheCallersFault) {
  auto frame = raw_bare(FrameType::kPing);
  frame.header.size = 12;
  say(frame.bytes());
  const auto outcome = call_for(5s);
  EXPECT_EQ(outcome.status.code(), StatusCode::kUnavailable) << outcome.status;
  EXPECT_NE(outcome.status.message().find("the peer broke the protocol"), std::string::npos)
      << outcome.status;
  EXPECT_FALSE(connection_->usable());
}

TEST_F(HostileServerTest, InputWithoutEndDoesNotCarryACallPastItsDeadline) {
  std::atomic<bool> stop{false};
  std::thread talker([&] {
    const auto credit = raw_bare(FrameType::kCredit).bytes();
    while (!stop) {
      if (::send(peer_.get(), credit.data(), credit.size(), MSG_NOSIGNAL) <= 0) break;
    }
  });
  const auto begun = std::chrono::steady_clock::now();
  const auto outcome = call_for(50ms);
  EXPECT_EQ(outcome.status.code(), StatusCode::kDeadlineExceeded) << outcome.status;
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  stop = true;
  ::shutdown(peer_.get(), SHUT_RDWR);
  talker.join();
}

// A server that takes the connection and never says a word.
TEST(SilentServer, ACallWaitsForAnotherThreadsConnectingOnlyUntilItsDeadline) {
  const Directory directory;
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  directory.socket().copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  auto channel = Channel::lazy("unix:" + directory.socket(), {.timeout = 3s});
  ASSERT_TRUE(channel) << channel.status();
  std::thread patient(
      [&] { static_cast<void>(call(*channel->ferry_caller(), testing::kEchoMethod, "x")); });
  // Once it is accepted, that thread is at its handshake.
  const UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
  const auto begun = std::chrono::steady_clock::now();
  auto hurried = call(*channel->ferry_caller(), testing::kEchoMethod, "x", {.deadline = 50ms});
  EXPECT_EQ(hurried.status().code(), StatusCode::kDeadlineExceeded) << hurried.status();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  ::shutdown(accepted.get(), SHUT_RDWR);
  patient.join();
}

}  // namespace
}  // namespace ferry
