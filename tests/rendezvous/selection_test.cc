// Whole handshakes over real sockets with the real transports: what is chosen, for whom, and why.
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rendezvous/support.h"
#include "tests/rendezvous/test_server.h"
#include "transports/rendezvous/client.h"
#include "transports/transport.h"

namespace ferry::transports {
namespace {

using testing::in_child;
using testing::kForeignUid;
using testing::open_descriptors;
using testing::serve_one;
using testing::TempDirectory;
using testing::TestServer;

Result<Connected> reach(const std::string& text, ConnectOptions options = {}) {
  auto target = parse_target(text);
  if (!target) return target.status();
  options.greeting = "hi from the client";
  return connect(*target, options);
}

// Bytes go from one end to the other.
void expect_connected(Lane& from, Lane& to) {
  char text[] = "across";
  const iovec part{text, sizeof(text)};
  EXPECT_EQ(from.write({&part, 1}, {}).outcome, Io::kDone);
  std::byte into[64];
  const IoResult got = to.read_parked(into, Clock::now() + std::chrono::seconds(10));
  EXPECT_EQ(got.outcome, Io::kDone) << to.failure();
  EXPECT_EQ(got.bytes, sizeof(text));
}

class EveryTransport : public ::testing::TestWithParam<std::string> {};

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const Transport* one : all_transports()) names.emplace_back(one->name());
  return names;
}

TEST_P(EveryTransport, IsHadByItsName) {
  TempDirectory dir;
  const std::string& name = GetParam();
  TestServer server("auto:" + dir / "x");
  auto client = reach(name + ":" + dir / "x");
  ASSERT_TRUE(client) << client.status();
  auto served = server.next();
  ASSERT_TRUE(served) << served.status();
  EXPECT_EQ(client->lane->transport(), name);
  EXPECT_EQ(served->lane->transport(), name);
  EXPECT_EQ(client->greeting, testing::kServerGreeting);
  EXPECT_EQ(served->greeting, "hi from the client");
  EXPECT_EQ(client->peer.pid, ::getpid());
  EXPECT_EQ(client->peer.trust, Trust::kSameUser);
  EXPECT_EQ(client->explain, name + " carries the calls: it is the transport asked for\n");
  expect_connected(*client->lane, *served->lane);
  expect_connected(*served->lane, *client->lane);
}

TEST_P(EveryTransport, IsHadOverASocketpairByNumber) {
  const std::string& name = GetParam();
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  auto policy =
      server_policy(*parse_target("fd:0"), std::vector<std::string>{name}, Trust::kDefault);
  ASSERT_TRUE(policy) << policy.status();
  Result<Connected> served = Status::unknown("not served");
  std::thread server([&] { served = serve_one(UniqueFd(ends[1]), *policy); });
  auto client = reach("fd:" + std::to_string(ends[0]));
  server.join();
  ASSERT_TRUE(client) << client.status();
  ASSERT_TRUE(served) << served.status();
  EXPECT_EQ(client->lane->transport(), name);
  EXPECT_EQ(client->peer.pid, ::getpid());
  EXPECT_EQ(served->peer.uid, ::geteuid());
  expect_connected(*client->lane, *served->lane);
}

TEST_P(EveryTransport, LeavesNothingOpenWhenBothEndsAreGone) {
  TempDirectory dir;
  TestServer server("auto:" + dir / "x");
  const std::size_t before = open_descriptors();
  {
    auto client = reach(GetParam() + ":" + dir / "x");
    auto served = server.next();
    ASSERT_TRUE(client && served) << client.status() << served.status();
  }
  EXPECT_EQ(open_descriptors(), before);
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryTransport, ::testing::ValuesIn(all_names()),
                         [](const auto& one) { return one.param; });

TEST(Selection, AutoTakesTheCheapestThatBothSidesCanDo) {
  TempDirectory dir;
  TestServer server("auto:" + dir / "x");
  auto client = reach("auto:" + dir / "x");
  ASSERT_TRUE(client) << client.status();
  EXPECT_EQ(client->lane->transport(), all_transports().front()->name());
}

TEST(Selection, ClientsOrderDecides) {
  TempDirectory dir;
  TestServer server("auto:" + dir / "x");
  auto client = reach("auto:" + dir / "x?order=fifo,unix,memfd");
  ASSERT_TRUE(client) << client.status();
  EXPECT_EQ(client->lane->transport(), "fifo");
  EXPECT_EQ(
      client->explain,
      "fifo carries the calls: it is the first in the order fifo, unix, memfd that both sides "
      "can do\n");
}

TEST(Selection, ServerOffersWhatItsSchemeAndAllowSay) {
  TempDirectory dir;
  TestServer only_fifo("fifo:" + dir / "fifo");
  TestServer allowed("auto:" + dir / "allow", {"unix", "fifo"});
  EXPECT_EQ(reach("unix:" + dir / "fifo").status(),
            Status::failed_precondition(
                "connect to \"unix:" + dir / "fifo" +
                "\": the server does not offer unix: it listens on \"fifo:" + dir / "fifo" + "\""));
  EXPECT_EQ(reach("memfd:" + dir / "allow").status(),
            Status::failed_precondition("connect to \"memfd:" + dir / "allow" +
                                        "\": the server does not offer memfd: it listens with "
                                        "--allow=unix,fifo"));
  auto rest = reach("auto:" + dir / "allow?order=memfd,unix");
  ASSERT_TRUE(rest) << rest.status();
  EXPECT_EQ(rest->lane->transport(), "unix");
  EXPECT_EQ(rest->explain,
            "memfd was passed over: FAILED_PRECONDITION: the server does not offer memfd: it "
            "listens with --allow=unix,fifo\n"
            "unix carries the calls: it is the first in the order memfd, unix that both sides can "
            "do\n");
}

TEST(Selection, CallersWordNarrowsTheOrder) {
  TempDirectory dir;
  TestServer server("auto:" + dir / "x");
  auto client = reach("auto:" + dir / "x", {.allowed = {"unix"}});
  ASSERT_TRUE(client) << client.status();
  EXPECT_EQ(client->lane->transport(), "unix");
  EXPECT_NE(client->explain.find("memfd was passed over: FAILED_PRECONDITION: the caller does not "
                                 "allow memfd\n"),
            std::string::npos)
      << client->explain;
}

TEST(ServerPolicy, AllowThatIsWrongOrLeavesNothingIsRefusedAtOnce) {
  auto target = parse_target("mq:/tmp/x");
  const std::vector<std::string> wrong = {"mqq"};
  const std::vector<std::string> other = {"unix"};
  const Status unknown = server_policy(*target, wrong, Trust::kDefault).status();
  EXPECT_EQ(unknown.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(unknown.message().find("no transport \"mqq\"; accepted are "), std::string::npos);
  const Status nothing = server_policy(*target, other, Trust::kDefault).status();
  EXPECT_EQ(nothing.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(nothing.message().find("leaves no transport to offer"), std::string::npos);
}

// In a child: RLIMIT_MSGQUEUE cannot be raised again by everybody.
std::string with_queue_limit(rlim_t bytes, const std::function<std::string()>& body) {
  return in_child([&]() -> std::string {
    const rlimit limit{bytes, bytes};
    if (::setrlimit(RLIMIT_MSGQUEUE, &limit) != 0) return "setrlimit";
    return body();
  });
}

TEST(Selection, QueueLimitLeadsToTheNextTransportAndIsNamed) {
  TempDirectory dir;
  const std::string explained = with_queue_limit(1000, [&]() -> std::string {
    TestServer server("auto:" + dir / "x");
    auto client = reach("auto:" + dir / "x?order=mq,unix");
    return client ? client->explain : client.status().to_string();
  });
  EXPECT_EQ(explained.rfind("mq was passed over: RESOURCE_EXHAUSTED: ", 0), 0u) << explained;
  EXPECT_NE(explained.find("RLIMIT_MSGQUEUE"), std::string::npos) << explained;
  EXPECT_NE(explained.find("\nunix carries the calls"), std::string::npos) << explained;
}

TEST(Selection, QueueLimitIsTheErrorOfANamedTransport) {
  TempDirectory dir;
  const std::string error = with_queue_limit(1000, [&]() -> std::string {
    TestServer server("auto:" + dir / "x");
    return reach("mq:" + dir / "x").status().to_string();
  });
  EXPECT_EQ(error.rfind("RESOURCE_EXHAUSTED: connect to \"mq:", 0), 0u) << error;
  EXPECT_NE(error.find("RLIMIT_MSGQUEUE"), std::string::npos) << error;
  EXPECT_NE(error.find("1000"), std::string::npos) << error;
}

TEST(Selection, ForeignUserIsRefusedShmInWordsAndGetsAnotherByAuto) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  TempDirectory dir;
  TestServer server("auto:" + dir / "x", {}, 0666);
  const std::string outcome = in_child([&]() -> std::string {
    if (::setuid(kForeignUid) != 0) return "setuid";
    const std::string named = reach("shm:" + dir / "x").status().to_string();
    auto any = reach("auto:" + dir / "x");
    if (!any) return any.status().to_string();
    return named + "\n" + std::string(name(any->peer.trust)) + "\n" + any->explain;
  });
  EXPECT_EQ(outcome.rfind("PERMISSION_DENIED: connect to \"shm:" + dir / "x" + "\": ", 0), 0u)
      << outcome;
  EXPECT_NE(outcome.find("\nhostile\n"), std::string::npos) << outcome;
  EXPECT_NE(outcome.find("\nshm was passed over: PERMISSION_DENIED: "), std::string::npos)
      << outcome;
  EXPECT_FALSE(server.next()) << "the client gave up shm by itself";
  auto served = server.next();
  ASSERT_TRUE(served) << served.status();
  EXPECT_EQ(served->peer.uid, kForeignUid);
  EXPECT_EQ(served->peer.trust, Trust::kHostile);
}

TEST(Selection, ChildThatDroppedItsPrivilegesIsSeenAsWhatItIsNow) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  auto policy = server_policy(*parse_target("fd:0"), {}, Trust::kDefault);
  ASSERT_TRUE(policy);
  testing::Child child([&](int report, int until) {
    ::close(ends[1]);
    if (::setgid(kForeignUid) != 0 || ::setuid(kForeignUid) != 0) ::_exit(1);
    auto client = handshake_as_client(UniqueFd(ends[0]), {}, {.trust = Trust::kFull});
    testing::say(report, client ? "connected" : client.status().to_string());
    testing::stay(until);
  });
  ::close(ends[0]);
  auto served = serve_one(UniqueFd(ends[1]), *policy);
  ASSERT_TRUE(served) << served.status();
  EXPECT_EQ(served->peer.pid, child.pid());
  EXPECT_EQ(served->peer.uid, kForeignUid) << "not that of the process that made the pair";
  EXPECT_EQ(served->peer.trust, Trust::kHostile);
  EXPECT_NE(served->lane->transport(), "shm");
  EXPECT_EQ(child.line(), "connected");
}

TEST(Selection, NameInTheRuntimeDirectoryIsFoundByBothSides) {
  TempDirectory dir;
  ::setenv("XDG_RUNTIME_DIR", dir.path().c_str(), 1);
  TestServer server("auto:calculator");
  auto client = reach("unix:calculator");
  ASSERT_TRUE(client) << client.status();
}

}  // namespace
}  // namespace ferry::transports
