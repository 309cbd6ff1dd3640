// Who gets the name of a listening socket, and what becomes of it.
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/rendezvous/support.h"
#include "transports/rendezvous/listener.h"
#include "transports/sys/leftovers.h"

namespace ferry::transports {
namespace {

using testing::Child;
using testing::in_child;
using testing::raw_connect;
using testing::say;
using testing::stay;
using testing::TempDirectory;

std::string outcome_of_open(const std::string& path) {
  auto listener = Listener::open(path, {});
  return listener ? "won" : listener.status().to_string();
}

struct stat look(const std::string& path) {
  struct stat found {};
  EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
  return found;
}

bool exists(const std::string& path) {
  return std::filesystem::symlink_status(path).type() != std::filesystem::file_type::not_found;
}

// A server in a child, listening at `path`; it says "won" or why not, and stays.
std::unique_ptr<Child> server_at(const std::string& path) {
  return std::make_unique<Child>([&](int report, int until) {
    auto listener = Listener::open(path, {});
    say(report, listener ? "won" : listener.status().to_string());
    stay(until);
  });
}

TEST(ListenerName, LiveServersNameIsNotTakenAndItsPidIsNamed) {
  TempDirectory dir;
  auto server = server_at(dir / "x");
  ASSERT_EQ(server->line(), "won");
  auto second = Listener::open(dir / "x", {});
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(second.status().message().find("pid " + std::to_string(server->pid())),
            std::string::npos)
      << second.status();
  EXPECT_TRUE(raw_connect(dir / "x"));
}

TEST(ListenerName, SecondInOneProcessIsRefusedAndTheFirstKeepsItsLock) {
  TempDirectory dir;
  auto first = Listener::open(dir / "x", {});
  ASSERT_TRUE(first);
  const Status second = Listener::open(dir / "x", {}).status();
  EXPECT_EQ(second.code(), StatusCode::kAlreadyExists);
  EXPECT_NE(second.message().find("this very process"), std::string::npos) << second;
  // Closing a second descriptor of the lock file would have dropped the lock (fcntl(2)).
  EXPECT_EQ(in_child([&] { return outcome_of_open(dir / "x"); }).rfind("ALREADY_EXISTS", 0), 0u);
}

TEST(ListenerName, NameOfAServerThatWasKilledIsTakenOver) {
  TempDirectory dir;
  for (int i = 0; i < 20; ++i) {
    auto server = server_at(dir / "x");
    ASSERT_EQ(server->line(), "won") << i;
    server->kill();
    EXPECT_TRUE(exists(dir / "x"));
  }
  auto listener = Listener::open(dir / "x", {});
  ASSERT_TRUE(listener) << listener.status();
  EXPECT_TRUE(raw_connect(dir / "x"));
  EXPECT_EQ(listener->accept().outcome, Listener::Outcome::kConnection);
}

TEST(ListenerName, TemporaryNameLeftByADeadServerIsNoObstacle) {
  TempDirectory dir;
  std::ofstream(dir / "x.new") << "left";
  auto listener = Listener::open(dir / "x", {});
  EXPECT_TRUE(listener) << listener.status();
  EXPECT_FALSE(exists(dir / "x.new"));
}

TEST(ListenerName, ForkedChildOfADeadServerDoesNotHoldTheName) {
  TempDirectory dir;
  int hold[2];
  ASSERT_EQ(::pipe2(hold, O_CLOEXEC), 0);
  Child server([&](int report, int until) {
    auto listener = Listener::open(dir / "x", {});
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {  // has the listening socket and the lock file, and outlives its parent
      ::close(hold[1]);
      stay(hold[0]);
      ::_exit(0);
    }
    say(report, listener ? "won" : listener.status().to_string());
    stay(until);
  });
  ::close(hold[0]);
  UniqueFd holder(hold[1]);
  ASSERT_EQ(server.line(), "won");
  server.kill();
  EXPECT_TRUE(raw_connect(dir / "x")) << "the grandchild's socket still takes connections";
  auto listener = Listener::open(dir / "x", {});
  ASSERT_TRUE(listener) << listener.status();
  EXPECT_TRUE(raw_connect(dir / "x"));
  EXPECT_EQ(listener->accept().outcome, Listener::Outcome::kConnection);
}

TEST(ListenerName, OfTwoServersAtOnceExactlyOneWins) {
  TempDirectory dir;
  const std::string path = dir / "x";
  for (int round = 0; round < 200; ++round) {
    int start[2];
    ASSERT_EQ(::pipe2(start, O_CLOEXEC), 0);
    const auto body = [&](int report, int until) {
      ::close(start[1]);
      stay(start[0]);  // both leave the line together
      auto listener = Listener::open(path, {});
      say(report, listener ? "won" : listener.status().to_string());
      stay(until);
    };
    Child a(body);
    Child b(body);
    ::close(start[0]);
    ::close(start[1]);
    const std::string first = a.line();
    const std::string second = b.line();
    ASSERT_EQ((first == "won") + (second == "won"), 1) << round << ": " << first << ", " << second;
    ASSERT_TRUE(raw_connect(path)) << round;
    a.kill();  // leaves a stale socket to the next round
    b.kill();
  }
}

TEST(ListenerName, CloseRemovesTheSocketAndKeepsTheLockFile) {
  TempDirectory dir;
  EXPECT_TRUE(Listener::open(dir / "x", {}));
  EXPECT_FALSE(exists(dir / "x"));
  EXPECT_TRUE(exists(dir / "x.lock"));
}

TEST(ListenerName, CloseLeavesAFileThatSomebodyElsePutThere) {
  TempDirectory dir;
  {
    auto listener = Listener::open(dir / "x", {});
    ASSERT_TRUE(listener);
    ::unlink((dir / "x").c_str());
    std::ofstream(dir / "x") << "other";
  }
  EXPECT_TRUE(exists(dir / "x"));
}

TEST(ListenerName, ForkedChildThatDestroysItsCopyLeavesNameAndLock) {
  TempDirectory dir;
  auto listener = Listener::open(dir / "x", {});
  ASSERT_TRUE(listener);
  in_child([&] {
    { const Listener copy = std::move(*listener); }
    return std::string("done");
  });
  EXPECT_TRUE(exists(dir / "x"));
  EXPECT_EQ(in_child([&] { return outcome_of_open(dir / "x"); }).rfind("ALREADY_EXISTS", 0), 0u);
}

TEST(ListenerName, FileThatIsNoSocketIsNotReplaced) {
  TempDirectory dir;
  std::ofstream(dir / "x") << "precious";
  const Status status = Listener::open(dir / "x", {}).status();
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(look(dir / "x").st_size, 8);
  EXPECT_FALSE(exists(dir / "x.lock")) << "a file that is not ours was given a lock file";
}

TEST(ListenerName, WhoeverGetsTheNameRemovesTheFifosThatAKilledServerLeft) {
  TempDirectory dir;
  const auto left = sys::fifo_name(dir / "x");
  const auto of_another = sys::fifo_name(dir / "y");
  ASSERT_TRUE(left && of_another);
  auto server = server_at(dir / "x");
  ASSERT_EQ(server->line(), "won");
  ASSERT_EQ(::mkfifo(left->c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo(of_another->c_str(), 0600), 0);
  EXPECT_FALSE(Listener::open(dir / "x", {}));
  EXPECT_TRUE(exists(*left)) << "removed while its server lives";
  server->kill();
  EXPECT_TRUE(Listener::open(dir / "x", {}));
  EXPECT_FALSE(exists(*left));
  EXPECT_TRUE(exists(*of_another));
}

TEST(ListenerName, LockFileThatLeadsElsewhereIsRefused) {
  TempDirectory dir;
  std::ofstream(dir / "victim") << "precious";
  ASSERT_EQ(::symlink((dir / "victim").c_str(), (dir / "a.lock").c_str()), 0);
  ASSERT_EQ(::link((dir / "victim").c_str(), (dir / "b.lock").c_str()), 0);
  EXPECT_EQ(Listener::open(dir / "a", {}).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Listener::open(dir / "b", {}).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(look(dir / "victim").st_size, 8);
}

}  // namespace
}  // namespace ferry::transports
