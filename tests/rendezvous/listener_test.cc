// The listening socket: how it looks, what it accepts, what stays.
#include "transports/rendezvous/listener.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rendezvous/support.h"

namespace ferry::transports {
namespace {

using testing::in_child;
using testing::kForeignUid;
using testing::open_descriptors;
using testing::raw_connect;
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

TEST(Listener, ClientsConnectAndAreAccepted) {
  TempDirectory dir;
  auto listener = Listener::open(dir / "x.sock", {});
  ASSERT_TRUE(listener) << listener.status();
  EXPECT_EQ(listener->path(), dir / "x.sock");
  EXPECT_EQ(listener->accept().outcome, Listener::Outcome::kNone);
  UniqueFd client = raw_connect(dir / "x.sock");
  ASSERT_TRUE(client);
  auto accepted = listener->accept();
  EXPECT_EQ(accepted.outcome, Listener::Outcome::kConnection);
  EXPECT_EQ(::fcntl(accepted.socket.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ(listener->accept().outcome, Listener::Outcome::kNone);
}

TEST(Listener, ModeIsClosedToOthersUnlessTold) {
  TempDirectory dir;
  auto closed = Listener::open(dir / "closed", {});
  auto open = Listener::open(dir / "open", {.mode = 0666});
  ASSERT_TRUE(closed && open);
  EXPECT_EQ(look(dir / "closed").st_mode & 0777, 0600u);
  EXPECT_EQ(look(dir / "open").st_mode & 0777, 0666u);
}

TEST(Listener, OwnerAndGroupAreSet) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  TempDirectory dir;
  auto listener = Listener::open(dir / "x", {.mode = 0660, .owner = 1234, .group = 4321});
  ASSERT_TRUE(listener) << listener.status();
  EXPECT_EQ(look(dir / "x").st_uid, 1234u);
  EXPECT_EQ(look(dir / "x").st_gid, 4321u);
}

TEST(Listener, OwnerThatMayNotBeSetIsAnErrorAndLeavesNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  TempDirectory dir;
  ::chmod(dir.path().c_str(), 0777);
  const std::string outcome = in_child([&]() -> std::string {
    if (::setuid(kForeignUid) != 0) return "setuid";
    auto listener = Listener::open(dir / "x", {.owner = 0});
    return listener.status().to_string();
  });
  EXPECT_EQ(outcome.rfind("PERMISSION_DENIED: set the socket's owner (0)", 0), 0u) << outcome;
  EXPECT_FALSE(exists(dir / "x"));
  EXPECT_FALSE(exists(dir / "x.new"));
}

// A name that is bound in place would be created; one that is set up first is moved there.
TEST(Listener, NameAppearsByRenameOfAListeningSocket) {
  TempDirectory dir;
  UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  ASSERT_GE(::inotify_add_watch(watch.get(), dir.path().c_str(), IN_CREATE | IN_MOVED_TO), 0);
  auto listener = Listener::open(dir / "x", {});
  ASSERT_TRUE(listener);
  alignas(inotify_event) char buffer[4096];
  const ssize_t size = ::read(watch.get(), buffer, sizeof(buffer));
  std::vector<std::string> created;
  std::vector<std::string> moved;
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
    ((event->mask & IN_CREATE) != 0 ? created : moved).emplace_back(event->name);
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
  EXPECT_EQ(created, (std::vector<std::string>{"x.lock", "x.new"}));
  EXPECT_EQ(moved, (std::vector<std::string>{"x"}));
}

TEST(Listener, MissingDirectoryIsNotFound) {
  TempDirectory dir;
  const Status status = Listener::open(dir / "no/x", {}).status();
  EXPECT_EQ(status, Status::not_found("the directory " + dir / "no" + " does not exist: make it"));
}

TEST(Listener, DirectoryWithoutPermissionIsPermissionDenied) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  TempDirectory dir;
  const std::string outcome = in_child([&]() -> std::string {
    if (::setuid(kForeignUid) != 0) return "setuid";
    return outcome_of_open(dir / "x");
  });
  EXPECT_EQ(outcome,
            "PERMISSION_DENIED: open the lock file " + dir / "x.lock" + ": Permission denied");
}

TEST(Listener, LongestPathThatFitsASocketWorks) {
  TempDirectory dir;
  const std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
  const std::string path = dir / std::string(most - dir.path().size() - 1, 'x');
  auto listener = Listener::open(path, {});
  ASSERT_TRUE(listener) << listener.status();
  EXPECT_TRUE(raw_connect(path));
}

TEST(Listener, FullDescriptorTableIsAPauseThatNamesTheLimit) {
  TempDirectory dir;
  auto listener = Listener::open(dir / "x", {});
  ASSERT_TRUE(listener);
  UniqueFd client = raw_connect(dir / "x");
  const std::string outcome = in_child([&]() -> std::string {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    std::vector<UniqueFd> all;
    for (UniqueFd one(::dup(0)); one; one.reset(::dup(0))) all.push_back(std::move(one));
    const auto full = listener->accept();
    if (full.outcome != Listener::Outcome::kPause) return "not a pause";
    if (full.why.code() != StatusCode::kResourceExhausted) return full.why.to_string();
    if (full.why.message().find("RLIMIT_NOFILE is 64") == std::string::npos) {
      return full.why.to_string();
    }
    all.pop_back();
    return listener->accept().outcome == Listener::Outcome::kConnection ? "paused, then went on"
                                                                        : "did not go on";
  });
  EXPECT_EQ(outcome, "paused, then went on");
}

TEST(Listener, TakesAListeningSocketAndNoOther) {
  TempDirectory dir;
  auto origin = Listener::open(dir / "x", {});
  ASSERT_TRUE(origin);
  auto adopted = Listener::from_descriptor(UniqueFd(::dup(origin->descriptor())));
  ASSERT_TRUE(adopted) << adopted.status();
  UniqueFd client = raw_connect(dir / "x");
  EXPECT_EQ(adopted->accept().outcome, Listener::Outcome::kConnection);
  const UniqueFd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::listen(tcp.get(), 1), 0);
  for (const int fd : {client.get(), 0, tcp.get()}) {
    EXPECT_EQ(Listener::from_descriptor(UniqueFd(::dup(fd))).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST(Listener, SocketHandedOverByAServiceManagerIsUsedAndItsNameStays) {
  TempDirectory dir;
  auto manager = Listener::open(dir / "x", {});
  ASSERT_TRUE(manager);
  const std::string outcome = in_child([&]() -> std::string {
    ::dup2(manager->descriptor(), 3);
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    auto ours = Listener::open(dir / "x", {});
    if (!ours) return ours.status().to_string();
    return ours->descriptor() == 3 ? "inherited" : "made its own";
  });
  EXPECT_EQ(outcome, "inherited");
  EXPECT_TRUE(exists(dir / "x"));
}

TEST(Listener, NothingLeaksWhateverFails) {
  TempDirectory dir;
  std::ofstream(dir / "file") << "x";
  auto live = Listener::open(dir / "live", {});
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(Listener::open(dir / "file", {}));
    EXPECT_FALSE(Listener::open(dir / "no/x", {}));
    EXPECT_FALSE(Listener::open(dir / "live", {}));
    EXPECT_TRUE(Listener::open(dir / "good", {}));
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace ferry::transports
