// What the user's word about the peer changes, through Channel and Server.
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <unistd.h>

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
using testing::eventually;
using testing::kEchoMethod;

// This process's descriptors of one kind, as /proc/self/fd names them.
int descriptors_of(const std::string& kind) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
    if (target.starts_with(kind)) ++count;
  }
  return count;
}

struct Kinds {
  int eventfds;
  int sockets;
};

Kinds kinds() { return {descriptors_of("anon_inode:[eventfd]"), descriptors_of("socket:")}; }

class TrustTest : public ::testing::Test {
 protected:
  void serve(Trust trust) {
    server_ = std::make_unique<Server>(ServerOptions{.trust = trust, .log = nullptr});
    server_->add(echo_);
    ASSERT_EQ(server_->listen("auto:" + directory_.socket()), Status());
    ASSERT_EQ(server_->start(), Status());
  }
  Result<Channel> connect(const std::string& scheme, Trust trust) const {
    return Channel::connect(scheme + ":" + directory_.socket(),
                            {.trust = trust, .spin = Spin::kOff});
  }
  // What the server takes the client for.
  static std::string taken_for(const Channel& channel) {
    auto who = call(*channel.ferry_caller(), testing::kWho, "", {.deadline = 5s});
    if (!who) return who.status().to_string();
    std::string rest = *who;  // pid uid gid trust ...
    for (int i = 0; i < 3; ++i) rest.erase(0, rest.find(' ') + 1);
    return rest.substr(0, rest.find(' '));
  }
  // What one connection over memfd opens in this process, which has both its ends.
  Kinds opened_by_memfd(Trust client, Trust server) {
    serve(server);
    const Kinds before = kinds();
    auto channel = connect("memfd", client);
    EXPECT_TRUE(channel) << channel.status();
    if (!channel) return {};
    EXPECT_EQ(channel->transport(), "memfd");
    EXPECT_TRUE(call(*channel->ferry_caller(), kEchoMethod, "x", {.deadline = 5s}));
    const Kinds after = kinds();
    const std::string large(300'000, 'x');  // more than the rings hold
    auto reply = call(*channel->ferry_caller(), kEchoMethod, large, {.deadline = 20s});
    EXPECT_TRUE(reply && *reply == large) << reply.status();
    return {after.eventfds - before.eventfds, after.sockets - before.sockets};
  }

  Directory directory_;
  EchoService echo_;
  std::unique_ptr<Server> server_;
};

TEST_F(TrustTest, AHostilePeersMemfdHasSocketsForBellsAndNoSharedEventfd) {
  const Kinds trusted = opened_by_memfd(Trust::kSameUser, Trust::kSameUser);
  for (const auto& [client, server] :
       {std::pair{Trust::kHostile, Trust::kSameUser}, std::pair{Trust::kSameUser, Trust::kHostile},
        std::pair{Trust::kHostile, Trust::kHostile}}) {
    const Kinds hostile = opened_by_memfd(client, server);
    // Two eventfds, held by both sides, become the two ends of one socketpair.
    EXPECT_EQ(hostile.eventfds, trusted.eventfds - 4) << name(client) << " " << name(server);
    EXPECT_EQ(hostile.sockets, trusted.sockets + 2) << name(client) << " " << name(server);
  }
}

TEST_F(TrustTest, EachSideGoesByItsOwnWord) {
  serve(Trust::kHostile);
  auto channel = connect("memfd", Trust::kFull);
  ASSERT_TRUE(channel) << channel.status();
  EXPECT_EQ(channel->peer().trust, Trust::kFull);
  EXPECT_EQ(taken_for(*channel), "hostile");

  serve(Trust::kDefault);
  channel = connect("memfd", Trust::kHostile);
  ASSERT_TRUE(channel) << channel.status();
  EXPECT_EQ(channel->peer().trust, Trust::kHostile);
  EXPECT_EQ(taken_for(*channel), "same_user");
}

TEST_F(TrustTest, ShmIsRefusedInWordsWhoeverOfTheTwoDistrusts) {
  for (const auto& [client, server] :
       {std::pair{Trust::kHostile, Trust::kDefault}, std::pair{Trust::kDefault, Trust::kHostile}}) {
    serve(server);
    const Status status = connect("shm", client).status();
    EXPECT_EQ(status.code(), StatusCode::kPermissionDenied) << status;
    for (const char* words : {"shm: the peer may be hostile", "use memfd"}) {
      EXPECT_NE(status.message().find(words), std::string::npos) << status;
    }
  }
}

TEST_F(TrustTest, AutoPassesOverWhatDistrustForbidsAndSaysSo) {
  serve(Trust::kHostile);
  auto channel =
      Channel::connect("auto:" + directory_.socket() + "?order=shm,memfd", {.timeout = 5s});
  ASSERT_TRUE(channel) << channel.status();
  EXPECT_EQ(channel->transport(), "memfd");
  EXPECT_NE(channel->explain().find("shm was passed over: PERMISSION_DENIED"), std::string::npos)
      << channel->explain();
}

TEST_F(TrustTest, FullTrustServesOverEveryLane) {
  serve(Trust::kFull);
  for (const char* scheme : {"unix", "fifo", "mq", "shm", "memfd"}) {
    auto channel = connect(scheme, Trust::kFull);
    ASSERT_TRUE(channel) << scheme << ": " << channel.status();
    EXPECT_EQ(channel->transport(), scheme);
    EXPECT_EQ(channel->peer().trust, Trust::kFull);
    EXPECT_EQ(taken_for(*channel), "full");
  }
}

}  // namespace
}  // namespace ferry
