// The server's handshake against a client written by hand, byte for byte.
#include "transports/rendezvous/server_handshake.h"

#include <fcntl.h>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <ferry/limits.h>

#include "tests/rendezvous/handshake_fixture.h"
#include "tests/rendezvous/support.h"

namespace ferry::transports {
namespace {

using testing::ServerHandshakeTest;
using Step = ServerHandshake::Step;

TEST_F(ServerHandshakeTest, OffersTheFirstOfTheClientsOrderWithItsDescriptors) {
  EXPECT_EQ(step(encode(hello({"b", "a"}))), Step::kAgain);
  EXPECT_EQ(offer().transport, "b");
  connect();
  EXPECT_EQ(step(encode(hello({"a", "b"}))), Step::kAgain);
  const OfferRecord record = offer();
  EXPECT_EQ(record.transport, "a");
  EXPECT_EQ(record.parameter, 77u);
  EXPECT_EQ(record.greeting, "hi from the server");
  EXPECT_EQ(record.version, kMostVersion);
  EXPECT_EQ(reader_.take_descriptors().size(), 2u);
}

TEST_F(ServerHandshakeTest, AcceptEndsItAndLeavesWhatFollowsToTheLane) {
  EXPECT_EQ(step(encode(hello())), Step::kAgain);
  EXPECT_EQ(step(encode_accept() + "first call"), Step::kDone);
  Connected connected = server_->take();
  ASSERT_TRUE(connected.lane);
  EXPECT_EQ(connected.lane->transport(), "a");
  EXPECT_EQ(connected.greeting, "hi from the client");
  EXPECT_EQ(connected.explain,
            "a carries the calls: it is the first in the order a, b that both sides can do\n");
  char rest[64];
  EXPECT_EQ(::recv(connected.lane->poll_set().readable, rest, sizeof(rest), MSG_DONTWAIT), 10);
  EXPECT_EQ(a_.offers_alive, 0);
}

TEST_F(ServerHandshakeTest, WorksByteByByte) {
  for (const std::string& record : {encode(hello()), encode_accept()}) {
    for (std::size_t i = 0; i < record.size(); ++i) {
      const Step reached = step(record.substr(i, 1));
      const bool last = i + 1 == record.size() && record.size() == kHeaderBytes;
      ASSERT_EQ(reached, last ? Step::kDone : Step::kAgain) << i << server_->failure();
    }
  }
}

TEST_F(ServerHandshakeTest, RejectLeadsToTheNextOfferAndKeepsTheReason) {
  EXPECT_EQ(step(encode(hello())), Step::kAgain);
  EXPECT_EQ(offer().transport, "a");
  EXPECT_EQ(step(encode_reject(Status::resource_exhausted("no room"))), Step::kAgain);
  EXPECT_EQ(a_.offers_alive, 0) << "a rejected offer is undone";
  const OfferRecord record = offer();
  EXPECT_EQ(record.transport, "b");
  ASSERT_EQ(record.skipped.size(), 1u);
  EXPECT_EQ(record.skipped[0].transport, "a");
  EXPECT_EQ(record.skipped[0].why,
            Status::resource_exhausted("the client could not make its half: no room"));
  EXPECT_EQ(step(encode_accept()), Step::kDone);
  EXPECT_EQ(server_->take().explain,
            "a was passed over: RESOURCE_EXHAUSTED: the client could not make its half: no room\n"
            "b carries the calls: it is the first in the order a, b that both sides can do\n");
}

TEST_F(ServerHandshakeTest, NothingLeftIsRefusedWithEveryReason) {
  a_.offered = Status::resource_exhausted("RLIMIT_MSGQUEUE is 819200");
  b_.permit = Status::permission_denied("not for uid 7");
  EXPECT_EQ(step(encode(hello({"a", "b", "c"}))), Step::kFailed);
  const Refusal said = refusal();
  EXPECT_EQ(said.why.code(), StatusCode::kResourceExhausted);
  ASSERT_EQ(said.skipped.size(), 3u);
  EXPECT_EQ(said.skipped[0].why, a_.offered);
  EXPECT_EQ(said.skipped[1].why, b_.permit);
  EXPECT_EQ(said.skipped[2].why,
            Status::failed_precondition("the server knows no transport \"c\""));
}

TEST_F(ServerHandshakeTest, OneTransportAskedForGetsItsOwnReasonAndCode) {
  a_.offered = Status::resource_exhausted("RLIMIT_MSGQUEUE is 819200");
  EXPECT_EQ(step(encode(hello({"a"}))), Step::kFailed);
  EXPECT_EQ(refusal().why, a_.offered);
  connect();
  EXPECT_EQ(step(encode(hello({"unix"}))), Step::kFailed);
  EXPECT_EQ(refusal().why, Status::failed_precondition(
                               "the server does not offer unix: it listens with --allow=a,b"));
}

TEST_F(ServerHandshakeTest, ThreadPlaceIsTakenForTheOfferAndFreedWithIt) {
  a_.mode = WaitMode::kThread;
  std::weak_ptr<void> place;
  const Status none_left = Status::resource_exhausted("one is the limit");
  policy_.take_thread = [&]() -> Result<std::shared_ptr<void>> {
    if (!place.expired()) return none_left;
    std::shared_ptr<void> taken = std::make_shared<int>(1);
    place = taken;
    return taken;
  };
  connect();
  EXPECT_EQ(step(encode(hello({"a", "b"}))), Step::kAgain);
  EXPECT_FALSE(place.expired());
  EXPECT_EQ(step(encode_reject(Status::unavailable("no"))), Step::kAgain);
  EXPECT_TRUE(place.expired());
  connect();
  EXPECT_EQ(step(encode(hello({"a"})) + encode_accept()), Step::kDone);
  const Connected first = server_->take();
  EXPECT_FALSE(place.expired());
  connect();
  EXPECT_EQ(step(encode(hello({"a"}))), Step::kFailed);
  EXPECT_EQ(refusal().why, none_left);
}

TEST_F(ServerHandshakeTest, LaneThatCannotBeMadeInTheEndIsAFailure) {
  a_.accepted = Status::resource_exhausted("no memory");
  EXPECT_EQ(step(encode(hello()) + encode_accept()), Step::kFailed);
  EXPECT_EQ(server_->failure().code(), StatusCode::kResourceExhausted);
}

TEST_F(ServerHandshakeTest, LaneIsMadeForTheLowerTrustOfBothSides) {
  Hello wary = hello();
  wary.trust = Trust::kHostile;
  EXPECT_EQ(step(encode(wary)), Step::kAgain);
  EXPECT_EQ(a_.last_peer.trust, Trust::kHostile);
  EXPECT_EQ(offer().trust, Trust::kHostile);
  connect();
  EXPECT_EQ(step(encode(hello())), Step::kAgain);
  EXPECT_EQ(a_.last_peer.trust, Trust::kSameUser) << "the client's word does not raise ours";
}

TEST_F(ServerHandshakeTest, PeerOfASocketpairIsWhoSentHello) {
  EXPECT_EQ(step(encode(hello())), Step::kAgain);
  EXPECT_EQ(a_.last_peer.pid, ::getpid());
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  policy_.trust = Trust::kDefault;
  connect();
  testing::in_child([&]() -> std::string {
    if (::setuid(testing::kForeignUid) != 0) return "setuid";
    send(encode(hello()));
    return "sent";
  });
  EXPECT_EQ(server_->on_ready(), Step::kAgain);
  EXPECT_EQ(a_.last_peer.uid, testing::kForeignUid);
  EXPECT_EQ(a_.last_peer.trust, Trust::kHostile);
}

TEST_F(ServerHandshakeTest, SocketpairWithoutCredentialsIsNobodyAndHostile) {
  policy_.trust = Trust::kDefault;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  client_.reset(ends[0]);
  send(encode(hello()));  // before the server asks for credentials
  server_.emplace(UniqueFd(ends[1]), policy_, "");
  EXPECT_EQ(server_->on_ready(), Step::kAgain);
  EXPECT_EQ(a_.last_peer.pid, 0);
  EXPECT_EQ(a_.last_peer.trust, Trust::kHostile);
}

TEST_F(ServerHandshakeTest, ClosingInsteadOfAnsweringUndoesTheOffer) {
  EXPECT_EQ(step(encode(hello())), Step::kAgain);
  EXPECT_EQ(a_.offers_alive, 1);
  client_.reset();
  EXPECT_EQ(server_->on_ready(), Step::kFailed);
  EXPECT_EQ(a_.offers_alive, 0);
}

TEST_F(ServerHandshakeTest, OfferThatDoesNotFitTheSocketWaitsForRoom) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const int small = 1;  // the kernel makes it its minimum
  ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
  client_.reset(ends[0]);
  server_.emplace(UniqueFd(ends[1]), policy_, std::string(limits::kGreetingBytes, 'g'));
  EXPECT_EQ(step(encode(hello())), Step::kAgain);
  EXPECT_TRUE(server_->wants_write());
  reader_ = RecordReader(limits::kOfferDescriptors);
  Progress progress = Progress::kAgain;
  for (int turn = 0; turn < 1000 && progress == Progress::kAgain; ++turn) {
    progress = reader_.advance(client_.get());
    if (progress == Progress::kAgain) {
      ASSERT_EQ(server_->on_ready(), Step::kAgain);
    }
  }
  ASSERT_EQ(progress, Progress::kWhole);
  EXPECT_EQ(decode_offer(reader_.body())->greeting.size(), limits::kGreetingBytes);
  EXPECT_EQ(reader_.take_descriptors().size(), 2u);
  EXPECT_FALSE(server_->wants_write());
  EXPECT_EQ(step(encode_accept()), Step::kDone);
}

TEST_F(ServerHandshakeTest, RefuseTellsAClientWhyBeforeItSaidAnything) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  client_.reset(ends[0]);
  refuse(UniqueFd(ends[1]), Status::resource_exhausted("4096 connections are open"));
  EXPECT_EQ(refusal().why, Status::resource_exhausted("4096 connections are open"));
}

TEST_F(ServerHandshakeTest, SocketOfAnotherKindFailsAtOnce) {
  const ServerHandshake not_a_socket(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)), policy_,
                                     "");
  EXPECT_FALSE(not_a_socket.failure().ok());
  UniqueFd lone(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ServerHandshake unconnected(std::move(lone), policy_, "");
  EXPECT_EQ(unconnected.failure().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(unconnected.on_ready(), Step::kFailed);
}

}  // namespace
}  // namespace ferry::transports
