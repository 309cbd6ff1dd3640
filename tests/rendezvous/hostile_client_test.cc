// What a client may do to the server's handshake: nothing that lasts.
#include <cstring>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include <ferry/limits.h>

#include "tests/rendezvous/handshake_fixture.h"
#include "tests/rendezvous/support.h"

namespace ferry::transports {
namespace {

using testing::open_descriptors;
using HostileClientTest = testing::ServerHandshakeTest;
using Step = ServerHandshake::Step;

constexpr std::size_t kSizeAt = 8;  // of the body's size in a header

void patch(std::string& record, std::size_t at, std::uint32_t value, std::size_t bytes = 4) {
  std::memcpy(record.data() + at, &value, bytes);
}

void send_with_descriptors(int socket, const std::string& bytes, std::size_t count) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(count * sizeof(int));
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = 0;
    std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof(fd));
  }
  ASSERT_EQ(::sendmsg(socket, &message, 0), static_cast<ssize_t>(bytes.size()));
}

TEST_F(HostileClientTest, EveryPrefixOfAHelloThenCloseFailsAndLeaksNothing) {
  const std::string record = encode(hello());
  const std::size_t before = open_descriptors() - 2;  // the connection of the fixture
  for (std::size_t bytes = 0; bytes < record.size(); ++bytes) {
    connect();
    ASSERT_EQ(step(record.substr(0, bytes)), Step::kAgain) << bytes;
    client_.reset();
    ASSERT_EQ(server_->on_ready(), Step::kFailed) << bytes;
    EXPECT_EQ(server_->failure().code(),
              bytes == 0 ? StatusCode::kCancelled : StatusCode::kUnavailable);
  }
  server_.reset();
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(HostileClientTest, EveryCorruptedByteIsHarmless) {
  const std::string record = encode(hello());
  for (std::size_t at = 0; at < record.size(); ++at) {
    for (const unsigned char value : {0x00, 0x01, 0x07, 0x7f, 0x80, 0xff}) {
      connect();
      std::string bad = record;
      bad[at] = static_cast<char>(value);
      const Step reached = step(bad);
      // Either it means something, or it waits for more, or it is refused; and it is over at close.
      if (reached == Step::kAgain) {
        client_.reset();
        EXPECT_EQ(server_->on_ready(), Step::kFailed);
      }
      EXPECT_FALSE(server_->failure().ok());
      EXPECT_EQ(a_.offers_alive + b_.offers_alive, 0);
    }
  }
}

TEST_F(HostileClientTest, LyingSizesAreRefusedBeforeAnythingIsAllocated) {
  for (const std::uint32_t size :
       {1u, 4u, 7u, static_cast<std::uint32_t>(limits::kHandshakeBodyBytes) + 8, 1u << 31,
        0xffffffffu}) {
    connect();
    std::string record = encode(hello());
    patch(record, kSizeAt, size);
    EXPECT_EQ(step(record), Step::kFailed) << size;
    EXPECT_EQ(server_->failure().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(server_->failure().message().find(std::to_string(size)), std::string::npos);
    EXPECT_EQ(refusal().why.code(), StatusCode::kInvalidArgument);
  }
}

TEST_F(HostileClientTest, EmptyOrShortBodyIsRefused) {
  for (const std::uint32_t size : {0u, 8u}) {
    connect();
    std::string record = encode(hello()).substr(0, kHeaderBytes + size);
    patch(record, kSizeAt, size);
    EXPECT_EQ(step(record), Step::kFailed) << size;
  }
}

TEST_F(HostileClientTest, WhatIsNotFerryIsNotAnswered) {
  for (const std::string& garbage : {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                                     std::string(100, '\0'), std::string(100, '\xff')}) {
    connect();
    EXPECT_EQ(step(garbage), Step::kFailed);
    EXPECT_EQ(server_->failure().code(), StatusCode::kUnavailable);
    EXPECT_NE(server_->failure().message().find("client (pid "), std::string::npos);
    EXPECT_EQ(receive(), Progress::kAgain);
  }
}

TEST_F(HostileClientTest, DescriptorsFromTheClientEndItAndAreNotKept) {
  const std::size_t before = open_descriptors();
  for (const std::size_t count : {1, 5, 16}) {
    connect();
    send_with_descriptors(client_.get(), encode(hello()), count);
    EXPECT_EQ(server_->on_ready(), Step::kFailed);
    EXPECT_EQ(server_->failure().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(open_descriptors(), before);
  }
  connect();
  EXPECT_EQ(step(encode(hello())), Step::kAgain);
  static_cast<void>(offer());
  send_with_descriptors(client_.get(), encode_accept(), 1);
  EXPECT_EQ(server_->on_ready(), Step::kFailed);
  connect();
  std::string declared = encode(hello());
  patch(declared, kSizeAt + 4, 1);
  EXPECT_EQ(step(declared), Step::kFailed);
}

TEST_F(HostileClientTest, OtherVersionsAreRefusedWithOurs) {
  std::string written_by_newer = encode(hello());
  patch(written_by_newer, 4, 9, 2);
  Hello newer = hello();
  newer.least_version = 7;
  newer.most_version = 9;
  Hello older = hello();
  older.least_version = older.most_version = 0;
  for (const std::string& record : {written_by_newer, encode(newer), encode(older)}) {
    connect();
    EXPECT_EQ(step(record), Step::kFailed);
    const Status why = refusal().why;
    EXPECT_EQ(why.code(), StatusCode::kUnimplemented);
    EXPECT_NE(why.message().find("this server 1 to 1"), std::string::npos) << why;
  }
  connect();
  Hello both = hello();
  both.most_version = 9;
  EXPECT_EQ(step(encode(both)), Step::kAgain) << "it speaks ours as well";
}

TEST_F(HostileClientTest, RecordsOutOfTurnAreRefused) {
  EXPECT_EQ(step(encode_accept()), Step::kFailed);
  EXPECT_EQ(refusal().why.code(), StatusCode::kInvalidArgument);
  connect();
  EXPECT_EQ(step(encode(hello())), Step::kAgain);
  static_cast<void>(offer());
  EXPECT_EQ(step(encode(hello())), Step::kFailed);
  EXPECT_EQ(refusal().why.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(server_->on_ready(), Step::kFailed) << "and it stays so";
}

TEST_F(HostileClientTest, ExcessiveHellosAreRefused) {
  EXPECT_EQ(step(encode(hello({}))), Step::kFailed);
  connect();
  EXPECT_EQ(step(encode(hello(std::vector<std::string>(limits::kWantedTransports + 1, "a")))),
            Step::kFailed);
  EXPECT_EQ(refusal().why.code(), StatusCode::kInvalidArgument);
  connect();
  Hello large = hello();
  large.greeting.assign(limits::kGreetingBytes + 1, 'x');
  EXPECT_EQ(step(encode(large)), Step::kFailed);
  EXPECT_EQ(refusal().why.code(), StatusCode::kInvalidArgument);
  connect();
  large.greeting.pop_back();
  EXPECT_EQ(step(encode(large)), Step::kAgain);
}

TEST_F(HostileClientTest, TextsOfThePeerCannotForgeLogLines) {
  EXPECT_EQ(step(encode(hello({"a\nferry: error: fake", std::string(5000, 'x')}))), Step::kFailed);
  const std::string text = server_->failure().message();
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_LT(text.size(), 1000u);
}

}  // namespace
}  // namespace ferry::transports
