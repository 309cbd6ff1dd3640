// Peers that break the protocol: each loses its own connection, the server's log says why, and the
// other clients do not notice.
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "runtime/protocol/frame.h"
#include "runtime/support/greeting.h"
#include "tests/drivers/echo_service.h"
#include "tests/support/processes.h"
#include "tests/support/recorded_log.h"
#include "transports/rendezvous/client.h"
#include "transports/rendezvous/records.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using testing::call;
using testing::Directory;
using testing::EchoService;
using testing::eventually;
using testing::kEchoMethod;
using testing::RecordedLog;

// A client like any other, which calls all the time.
class Bystander {
 public:
  explicit Bystander(Channel channel) : channel_(std::move(channel)) {
    thread_ = std::thread([this] {
      while (!stop_.load()) {
        auto reply = call(*channel_.ferry_caller(), kEchoMethod, "x", {.deadline = 10s});
        (reply ? answered_ : failed_).fetch_add(1);
      }
    });
  }
  ~Bystander() {
    stop_.store(true);
    thread_.join();
  }
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;

  [[nodiscard]] int failed() const { return failed_.load(); }
  // Whether it is still answered, after what went before.
  [[nodiscard]] bool goes_on() const {
    const int before = answered_.load();
    return eventually([&] { return answered_.load() > before + 1; });
  }

 private:
  Channel channel_;
  std::atomic<bool> stop_{false};
  std::atomic<int> answered_{0};
  std::atomic<int> failed_{0};
  std::thread thread_;
};

class ServerLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = std::make_unique<Server>(ServerOptions{.log = log_.sink()});
    server_->add(echo_);
    ASSERT_EQ(server_->listen("auto:" + directory_.socket()), Status());
    ASSERT_EQ(server_->start(), Status());
    auto channel = Channel::connect("unix:" + directory_.socket());
    ASSERT_TRUE(channel) << channel.status();
    other_ = std::make_unique<Bystander>(std::move(*channel));
  }
  void TearDown() override {
    ASSERT_TRUE(other_);
    EXPECT_TRUE(other_->goes_on());
    EXPECT_EQ(other_->failed(), 0);
    other_.reset();
    EXPECT_EQ(server_->stop(), Status());
  }

  // A socket connected to the server, with `bytes` sent.
  [[nodiscard]] UniqueFd say(const std::string& bytes) const {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    directory_.socket().copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    return socket;
  }
  static bool was_closed(const UniqueFd& socket) {
    char rest[4096];
    ssize_t got = 0;
    while ((got = ::recv(socket.get(), rest, sizeof(rest), 0)) > 0) {
    }
    return got == 0 || errno == ECONNRESET;
  }
  [[nodiscard]] bool warned(std::vector<std::string> words) const {
    words.push_back("pid " + std::to_string(::getpid()));
    return eventually([&] { return log_.count(LogLevel::kWarning, words) == 1; });
  }

  Directory directory_;
  RecordedLog log_;
  EchoService echo_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Bystander> other_;
};

TEST_F(ServerLogTest, GarbageOnTheRendezvousSocket) {
  const UniqueFd socket = say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(was_closed(socket));
  EXPECT_TRUE(warned({"a client was turned away", "not ferry's protocol"})) << log_.text();
}

TEST_F(ServerLogTest, AHelloOfANewerVersion) {
  transports::Hello newer;
  newer.least_version = 7;
  newer.most_version = 9;
  newer.transports = {"unix"};
  const UniqueFd socket = say(transports::encode(newer));
  EXPECT_TRUE(was_closed(socket));
  EXPECT_TRUE(warned({"a client was turned away", "UNIMPLEMENTED",
                      "the client speaks version 7 to 9", "this server 1 to 1"}))
      << log_.text();
}

TEST_F(ServerLogTest, APeerThatLeavesIsNotWorthAWarning) {
  {
    auto channel = Channel::connect("unix:" + directory_.socket());
    ASSERT_TRUE(channel) << channel.status();
    EXPECT_TRUE(call(*channel->ferry_caller(), kEchoMethod, "x", {.deadline = 5s}));
  }
  static_cast<void>(say(""));  // a probe: connects and leaves
  EXPECT_TRUE(eventually([&] { return log_.count(LogLevel::kDebug, {" ended: "}) == 1; }))
      << log_.text();
  EXPECT_TRUE(eventually([&] { return log_.count(LogLevel::kDebug, {"without a word"}) == 1; }))
      << log_.text();
  EXPECT_EQ(log_.count(LogLevel::kInfo, {}), 0) << log_.text();
}

class LyingFrameTest : public ServerLogTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(LyingFrameTest, AfterAProperHandshake) {
  auto target = transports::parse_target(GetParam() + ":" + directory_.socket());
  ASSERT_TRUE(target) << target.status();
  transports::ConnectOptions options;
  options.greeting = support::encode_greeting({});
  auto connected = transports::connect(*target, options);
  ASSERT_TRUE(connected) << connected.status();
  ASSERT_TRUE(eventually([&] { return server_->connections() == 2; }));

  protocol::FrameHeader header;
  header.size = 0xfffffff8;
  header.type = static_cast<std::uint8_t>(protocol::FrameType::kCall);
  std::byte frame[sizeof(header)];
  protocol::encode(header, frame);
  const iovec bytes{frame, sizeof(frame)};
  ASSERT_EQ(connected->lane->write({&bytes, 1}, {}).bytes, sizeof(frame));

  EXPECT_TRUE(eventually([&] { return server_->connections() == 1; }));
  EXPECT_TRUE(warned({"the connection of pid", "ended", "the peer broke the protocol",
                      std::to_string(header.size)}))
      << log_.text();
  // The lane hands out what there was, and then its end.
  std::byte rest[64];
  transports::IoResult io;
  const auto deadline = transports::Clock::now() + 10s;
  do {
    io = connected->lane->read_parked(rest, deadline);
  } while (io.outcome == transports::Io::kDone);
  EXPECT_EQ(io.outcome, transports::Io::kClosed);
}

std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

INSTANTIATE_TEST_SUITE_P(Lanes, LyingFrameTest,
                         ::testing::Values("unix", "fifo", "mq", "shm", "memfd"), &name_of);

TEST(ServerLog, WithoutASinkTheServerIsSilent) {
  const Directory directory;
  EchoService echo;
  ::testing::internal::CaptureStderr();
  {
    Server server({.connections = 0, .log = nullptr});
    server.add(echo);
    ASSERT_EQ(server.listen("unix:" + directory.socket()), Status());
    ASSERT_EQ(server.start(), Status());
    EXPECT_EQ(Channel::connect("unix:" + directory.socket()).status().code(),
              StatusCode::kResourceExhausted);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace ferry
