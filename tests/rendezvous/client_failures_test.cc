// What connecting gets when there is no server, the wrong one, or one that lies: always a Status,
// in time, that says which.
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/limits.h>

#include "tests/rendezvous/support.h"
#include "transports/rendezvous/client.h"
#include "transports/rendezvous/records.h"

namespace ferry::transports {
namespace {

using testing::in_child;
using testing::kForeignUid;
using testing::open_descriptors;
using testing::TempDirectory;

Status outcome(const std::string& text, const ConnectOptions& options = {}) {
  auto target = parse_target(text);
  if (!target) return target.status();
  return connect(*target, options).status();
}

// A socket of `type` bound to `path`; listening with `backlog` unless that is negative.
UniqueFd bound(const std::string& path, int type, int backlog) {
  UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  if (backlog >= 0) {
    EXPECT_EQ(::listen(socket.get(), backlog), 0);
  }
  return socket;
}

void expect(const Status& status, StatusCode code, const std::string& words) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_NE(status.message().find(words), std::string::npos) << status;
}

TEST(ConnectFailure, SaysWhatIsNotThere) {
  TempDirectory dir;
  expect(outcome("unix:" + dir / "x"), StatusCode::kUnavailable,
         "connect to \"unix:" + dir / "x" + "\": there is no such socket; is the server running?");
  expect(outcome("unix:" + dir / "no/x"), StatusCode::kUnavailable,
         "the directory " + dir / "no" + " does not exist");
  expect(outcome("inproc:nobody-has-this"), StatusCode::kUnavailable, "nobody");
}

TEST(ConnectFailure, NobodyListens) {
  TempDirectory dir;
  bound(dir / "stale", SOCK_STREAM, 1).reset();
  expect(outcome("auto:" + dir / "stale"), StatusCode::kUnavailable, "nobody listens on it");
}

TEST(ConnectFailure, SomethingElseStandsThere) {
  TempDirectory dir;
  std::ofstream(dir / "file") << "x";
  expect(outcome("unix:" + dir / "file"), StatusCode::kUnavailable, "it is not a socket");
  const UniqueFd datagram = bound(dir / "datagram", SOCK_DGRAM, -1);
  expect(outcome("unix:" + dir / "datagram"), StatusCode::kUnavailable, "not a ferry server");
  expect(outcome("unix:" + dir / "file/x"), StatusCode::kUnavailable, "not a directory");
}

TEST(ConnectFailure, NoPermissionSaysWhose) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  TempDirectory dir;
  const UniqueFd server = bound(dir / "x", SOCK_STREAM, 1);
  ::chmod((dir / "x").c_str(), 0600);
  ::mkdir((dir / "closed").c_str(), 0700);
  const UniqueFd hidden = bound(dir / "closed/x", SOCK_STREAM, 1);
  const std::string words = in_child([&]() -> std::string {
    if (::setuid(kForeignUid) != 0) return "setuid";
    return outcome("unix:" + dir / "x").to_string() + "\n" +
           outcome("unix:" + dir / "closed/x").to_string();
  });
  EXPECT_NE(words.find("PERMISSION_DENIED: connect to \"unix:" + dir / "x" +
                       "\": its mode is closed to this process (it belongs to uid 0"),
            std::string::npos)
      << words;
  EXPECT_NE(words.find("/closed/x\": a directory on the way to it is closed to this process"),
            std::string::npos)
      << words;
}

TEST(ConnectFailure, SilentServerEndsAtTheDeadline) {
  TempDirectory dir;
  const UniqueFd server = bound(dir / "x", SOCK_STREAM, 1);
  const TimePoint deadline = Clock::now() + std::chrono::milliseconds(30);
  expect(outcome("unix:" + dir / "x", {.deadline = deadline}), StatusCode::kDeadlineExceeded,
         "it accepted the connection, but did not answer within ");
  EXPECT_GE(Clock::now(), deadline);
}

TEST(ConnectFailure, SilentServerEndsWithoutADeadlineToo) {
  TempDirectory dir;
  const UniqueFd server = bound(dir / "x", SOCK_STREAM, 1);
  expect(outcome("unix:" + dir / "x"), StatusCode::kDeadlineExceeded, "did not answer");
}

TEST(ConnectFailure, FullBacklogEndsAtTheDeadline) {
  TempDirectory dir;
  const UniqueFd server = bound(dir / "x", SOCK_STREAM, 0);
  std::vector<UniqueFd> waiting;
  for (;;) {
    UniqueFd one(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (dir / "x").c_str(), sizeof(address.sun_path) - 1);
    if (::connect(one.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) break;
    waiting.push_back(std::move(one));
  }
  ASSERT_EQ(errno, EAGAIN);
  const TimePoint deadline = Clock::now() + std::chrono::milliseconds(30);
  expect(outcome("unix:" + dir / "x", {.deadline = deadline}), StatusCode::kDeadlineExceeded,
         "its backlog is full");
  EXPECT_GE(Clock::now(), deadline);
  expect(outcome("unix:" + dir / "x", {.deadline = Clock::now()}), StatusCode::kDeadlineExceeded,
         "");
}

TEST(ConnectFailure, DescriptorThatCannotBe) {
  TempDirectory dir;
  expect(outcome("fd:987654"), StatusCode::kInvalidArgument, "descriptor 987654 is not open");
  const int file = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  expect(outcome("fd:" + std::to_string(file)), StatusCode::kInvalidArgument, "is not a socket");
  const int listening = ::dup(bound(dir / "x", SOCK_STREAM, 1).get());
  expect(outcome("fd:" + std::to_string(listening)), StatusCode::kInvalidArgument,
         "is not connected");
  const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  expect(outcome("fd:" + std::to_string(tcp)), StatusCode::kInvalidArgument,
         "is not a local stream socket");
  for (const int fd : {file, listening, tcp}) {
    EXPECT_EQ(::fcntl(fd, F_GETFD), -1) << "an adopted number is closed whatever becomes of it";
  }
}

TEST(ConnectFailure, RuntimeDirectoryThatOthersCouldWriteToIsNotUsed) {
  TempDirectory dir;
  ::setenv("XDG_RUNTIME_DIR", dir.path().c_str(), 1);
  expect(outcome("auto:x"), StatusCode::kUnavailable, "ferry: No such file");
  ::mkdir((dir / "ferry").c_str(), 0700);
  expect(outcome("auto:x"), StatusCode::kUnavailable, "(" + dir / "ferry/x.sock" + ")");
  ::chmod((dir / "ferry").c_str(), 0777);
  expect(outcome("auto:x"), StatusCode::kFailedPrecondition, "open to others (mode 0777)");
}

// What a client makes of `answer`, which is all that the server says before it hangs up.
Status met_with(const std::string& answer, std::size_t descriptors = 0,
                const std::vector<std::string>& order = {}) {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd server(ends[1]);
  iovec part{const_cast<char*>(answer.data()), answer.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(64 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptors > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors * sizeof(int));  // all of them 0: standard input
  }
  if (!answer.empty()) {
    EXPECT_EQ(::sendmsg(server.get(), &message, 0), static_cast<ssize_t>(answer.size()));
  }
  ::shutdown(server.get(), SHUT_WR);
  return handshake_as_client(UniqueFd(ends[0]), order, {.trust = Trust::kFull}).status();
}

OfferRecord offer_of(const std::string& transport) {
  OfferRecord offer;
  offer.transport = transport;
  offer.trust = Trust::kFull;
  return offer;
}

TEST(HandshakeFailure, ServerThatHangsUp) {
  expect(met_with(""), StatusCode::kUnavailable, "hung up before it answered");
}

TEST(HandshakeFailure, SomethingThatIsNotAFerryServer) {
  expect(met_with("220 mail.example.org ESMTP ready\r\n"), StatusCode::kUnavailable,
         "not ferry's protocol");
}

TEST(HandshakeFailure, RefusalIsPassedOnWithItsCodeAndReason) {
  expect(met_with(encode(Refusal{Status::resource_exhausted("4096 connections are open"), {}})),
         StatusCode::kResourceExhausted, "the server refused: 4096 connections are open");
  const Status limit = Status::resource_exhausted("RLIMIT_MSGQUEUE is 819200");
  expect(met_with(encode(Refusal{limit, {{"mq", limit}}}), 0, {"mq"}),
         StatusCode::kResourceExhausted, "RLIMIT_MSGQUEUE is 819200");
}

TEST(HandshakeFailure, RefusalOfAnotherVersionIsUnderstood) {
  std::string record = encode(Refusal{Status::unimplemented("this server speaks 7 to 9"), {}});
  record[4] = 9;
  expect(met_with(record), StatusCode::kUnimplemented, "this server speaks 7 to 9");
}

TEST(HandshakeFailure, ServerThatBreaksTheProtocol) {
  std::string lying = encode(offer_of("unix"), 0);
  std::memset(lying.data() + 8, 0xff, 4);
  std::string newer = encode(offer_of("unix"), 0);
  newer[4] = 9;
  OfferRecord unspoken = offer_of("unix");
  unspoken.version = 9;
  for (const std::string& record :
       {lying, newer, encode(unspoken, 0), encode_accept(), encode(Hello{}),
        encode(offer_of("mq"), 0), encode(offer_of("no such"), 0)}) {
    expect(met_with(record, 0, {"unix"}), StatusCode::kUnavailable,
           "the server broke the protocol");
  }
}

TEST(HandshakeFailure, DescriptorsThatWereNotDeclaredOrAreMissingAreAFailureAndClosed) {
  const std::size_t before = open_descriptors();
  expect(met_with(encode(offer_of("unix"), 0), 2), StatusCode::kUnavailable, "declares 0");
  expect(met_with(encode(offer_of("unix"), 2), 0), StatusCode::kUnavailable, "brought 0");
  expect(met_with(encode(offer_of("unix"), 1), 64), StatusCode::kUnavailable, "descriptors");
  expect(met_with(encode(offer_of("unix"), 1000), 1), StatusCode::kUnavailable, "declares 1000");
  EXPECT_EQ(open_descriptors(), before);
}

TEST(HandshakeFailure, EveryPrefixOfAnOfferThenCloseEndsAndLeaksNothing) {
  const std::size_t before = open_descriptors();
  const std::string record = encode(offer_of("memfd"), 1);
  for (std::size_t bytes = 1; bytes < record.size(); ++bytes) {
    expect(met_with(record.substr(0, bytes), 1), StatusCode::kUnavailable, "hung up");
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(HandshakeFailure, EveryCorruptedByteOfAnOfferIsHarmless) {
  const std::string record = encode(offer_of("memfd"), 1);
  for (std::size_t at = 0; at < record.size(); ++at) {
    for (const unsigned char value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      std::string bad = record;
      bad[at] = static_cast<char>(value);
      EXPECT_FALSE(met_with(bad, 1).ok()) << at;  // at best the memfd is no memfd
    }
  }
}

TEST(HandshakeFailure, OfferAboveOurTrustIsRejected) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd server(ends[1]);
  const std::string record = encode(offer_of("unix"), 0);
  ASSERT_GT(::send(server.get(), record.data(), record.size(), 0), 0);
  ::shutdown(server.get(), SHUT_WR);
  EXPECT_FALSE(handshake_as_client(UniqueFd(ends[0]), {"unix"}, {.trust = Trust::kHostile}));
  std::string said(1 << 16, '\0');
  said.resize(static_cast<std::size_t>(::recv(server.get(), said.data(), said.size(), 0)));
  EXPECT_NE(said.find("it was made for trust full, the client has hostile"), std::string::npos);
}

TEST(HandshakeFailure, GreetingThatIsTooLargeIsNotSent) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd server(ends[1]);
  ConnectOptions options;
  options.greeting.assign(limits::kGreetingBytes + 1, 'x');
  expect(handshake_as_client(UniqueFd(ends[0]), {}, options).status(),
         StatusCode::kResourceExhausted, "65537 bytes, at most 65536");
}

TEST(HandshakeFailure, AllowedThatLeavesNothingSaysSo) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd server(ends[1]);
  expect(handshake_as_client(UniqueFd(ends[0]), {"mq"}, {.allowed = {"unix"}}).status(),
         StatusCode::kFailedPrecondition, "the caller does not allow mq");
}

}  // namespace
}  // namespace ferry::transports
