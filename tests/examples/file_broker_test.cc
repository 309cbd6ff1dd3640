// The file broker's two programs: descriptors across a privilege boundary, over every transport.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <grp.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/examples/program.h"

namespace ferry {
namespace {

namespace fs = std::filesystem;
using testing::Ended;
using testing::kNobody;
using testing::listens;
using testing::Program;
using testing::run;

constexpr const char* kMay = "May was a good month.\n";  // 22 bytes
constexpr const char* kSecret = "Nobody was told.\n";

std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

void write(const std::string& path, const char* text) { std::ofstream(path) << text; }

class FileBrokerTest : public ::testing::Test {
 protected:
  FileBrokerTest() {
    // Another user may reach the socket, but not what is served.
    ::chmod(directory_.path().c_str(), 0711);
    fs::create_directories(root() + "/reports");
    ::chmod(root().c_str(), 0700);
    write(root() + "/reports/may.txt", kMay);
    write(root() + "/reports/june.txt", "June too.\n");
    write(directory_.path() + "/secret.txt", kSecret);
    fs::create_symlink("reports/may.txt", root() + "/stays");
    fs::create_symlink("../secret.txt", root() + "/leaves");
    fs::create_symlink(directory_.path() + "/secret.txt", root() + "/absolute");
  }

  [[nodiscard]] std::string root() const { return directory_.path() + "/root"; }
  [[nodiscard]] std::string at(const std::string& scheme) const {
    return scheme + ":" + directory_.socket();
  }
  // The server's flags.
  [[nodiscard]] std::vector<std::string> serving(const std::string& target,
                                                 const std::vector<std::string>& more = {}) const {
    std::vector<std::string> flags{"--listen=" + target, "--root=" + root()};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  }
  [[nodiscard]] static Ended read(const std::string& target, const std::string& path,
                                  std::optional<uid_t> uid = {}) {
    return run("file_broker_client", {"--target=" + target, "--read=" + path, "--calls=5"}, uid);
  }

  testing::Directory directory_;
};

// The service's every way to hand over a file, as the client tells of them.
void expect_all_of_it(const Ended& client, const std::string& transport, int calls) {
  EXPECT_EQ(client.code, 0) << client;
  EXPECT_EQ(client.count("transport="), 1) << client;
  EXPECT_EQ(client.value("transport"), transport) << client;
  EXPECT_TRUE(client.says("open reports/may.txt: 22 bytes, read-only\n")) << client;
  EXPECT_TRUE(client.says(kMay)) << client;
  EXPECT_TRUE(client.says("openAll reports: june.txt (10 bytes) may.txt (22 bytes)\n")) << client;
  EXPECT_TRUE(client.says("fill: the server wrote 22 bytes into our memory\n")) << client;
  EXPECT_TRUE(client.says("open ../reports/may.txt: PERMISSION_DENIED: ")) << client;
  EXPECT_EQ(client.value("calls"), std::to_string(calls)) << client;
  // One a call, two of the list, and the memory to fill.
  EXPECT_EQ(client.value("descriptors"), std::to_string(calls + 3)) << client;
}

class FileBrokerTransportTest : public FileBrokerTest,
                                public ::testing::WithParamInterface<std::string> {
 protected:
  // What auto takes between a client and a server of one user.
  [[nodiscard]] static std::string transport() {
    return GetParam() == "auto" ? "memfd" : GetParam();
  }
};

TEST_P(FileBrokerTransportTest, DescriptorsPassBothWaysAndInLists) {
  const Program server("file_broker_server", serving(at(GetParam())));
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  expect_all_of_it(read(at(GetParam()), "reports/may.txt"), transport(), 5);
}

TEST_P(FileBrokerTransportTest, APathThatLeavesTheDirectoryIsRefusedInWords) {
  const Program server("file_broker_server", serving(at(GetParam())));
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  for (const std::string& path : {std::string("../secret.txt"), directory_.path() + "/secret.txt",
                                  std::string("leaves"), std::string("absolute")}) {
    const Ended client = read(at(GetParam()), path);
    EXPECT_GT(client.code, 0) << path << ": " << client;
    EXPECT_TRUE(
        client.says("PERMISSION_DENIED: open \"" + path + "\": it leaves the served directory"))
        << client;
    EXPECT_FALSE(client.says(kSecret)) << client;
  }
}

TEST_P(FileBrokerTransportTest, ASymbolicLinkThatStaysInsideIsServed) {
  const Program server("file_broker_server", serving(at(GetParam())));
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = read(at(GetParam()), "stays");
  EXPECT_EQ(client.code, 0) << client;
  EXPECT_TRUE(client.says("open stays: 22 bytes, read-only\n")) << client;
  EXPECT_TRUE(client.says(kMay)) << client;
}

TEST_P(FileBrokerTransportTest, SigtermEndsTheServerWithZeroAndItsSocketIsGone) {
  Program server("file_broker_server", serving(at(GetParam())));
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = read(at(GetParam()), "reports/may.txt");
  EXPECT_EQ(client.code, 0) << client;
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_FALSE(fs::exists(directory_.socket()));
}

TEST_P(FileBrokerTransportTest, AsRootTheClientDropsToAnotherUserWhereItCanBeServed) {
  if (::getuid() != 0) GTEST_SKIP() << "only root has rights to drop";
  const Program server("file_broker_server", serving(at(GetParam())));
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = read(at(GetParam()), "reports/may.txt");
  expect_all_of_it(client, transport(), 5);
  if (GetParam() == "shm") {
    EXPECT_TRUE(client.says("uid=0 kept: shm: serves no other user")) << client;
  } else {
    EXPECT_TRUE(client.says("uid=65534 dropped from 0\n")) << client;
  }
}

INSTANTIATE_TEST_SUITE_P(Over, FileBrokerTransportTest,
                         ::testing::Values("unix", "fifo", "mq", "shm", "memfd", "auto"), &name_of);

TEST_F(FileBrokerTest, WhereAnotherUserCannotReachTheSocketTheClientConnectsFirstAndDropsThen) {
  if (::getuid() != 0) GTEST_SKIP() << "only root has rights to drop";
  ::chmod(directory_.path().c_str(), 0700);
  const Program server("file_broker_server", serving(at("unix")));
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = read(at("unix"), "reports/may.txt");
  expect_all_of_it(client, "unix", 5);
  EXPECT_TRUE(client.says("nobody may not reach the socket")) << client;
  EXPECT_TRUE(client.says("uid=65534 dropped from 0\n")) << client;
}

TEST_F(FileBrokerTest, AnotherUserOverShmIsRefusedInWords) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can start a program as another user";
  const Program server("file_broker_server", serving(at("shm")));
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = read(at("shm"), "reports/may.txt", kNobody);
  EXPECT_GT(client.code, 0) << client;
  EXPECT_TRUE(client.says("PERMISSION_DENIED: ")) << client;
  EXPECT_TRUE(client.says("shm")) << client;
  EXPECT_FALSE(client.says(kMay)) << client;
}

TEST_F(FileBrokerTest, AnotherUserIsServedBySomethingElseThanShm) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can start a program as another user";
  const Program server("file_broker_server", serving(at("auto")));
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = read(at("auto") + "?order=shm,memfd,unix", "reports/may.txt", kNobody);
  expect_all_of_it(client, "memfd", 5);
  EXPECT_TRUE(client.says("uid=65534\n")) << client;
}

TEST_F(FileBrokerTest, TheSocketHasTheModeOfTheFlag) {
  const Program server("file_broker_server", serving(at("unix"), {"--mode=0640"}));
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  struct stat about {};
  ASSERT_EQ(::lstat(directory_.socket().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0640U);
}

TEST_F(FileBrokerTest, AModeThatKeepsOthersOutIsNamedToThem) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can start a program as another user";
  const Program server("file_broker_server", serving(at("unix"), {"--mode=0640"}));
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = read(at("unix"), "reports/may.txt", kNobody);
  EXPECT_GT(client.code, 0) << client;
  EXPECT_TRUE(client.says("PERMISSION_DENIED: ")) << client;
  EXPECT_TRUE(client.says(directory_.socket())) << client;
}

TEST_F(FileBrokerTest, TheSocketHasTheGroupOfTheFlag) {
  // Root may give it to any group, others to one they are in.
  std::vector<gid_t> groups(256);
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  if (::getuid() == 0) groups.push_back(kNobody);
  const group* other = nullptr;
  for (const gid_t gid : groups) {
    if (gid != ::getegid() && other == nullptr) other = ::getgrgid(gid);
  }
  if (other == nullptr) GTEST_SKIP() << "this user is in one group only";
  const Program server("file_broker_server",
                       serving(at("unix"), {std::string("--group=") + other->gr_name}));
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  struct stat about {};
  ASSERT_EQ(::lstat(directory_.socket().c_str(), &about), 0);
  EXPECT_EQ(about.st_gid, other->gr_gid);
}

TEST_F(FileBrokerTest, AForkedClientIsServedOverItsEndOfASocketpair) {
  const Ended both =
      run("file_broker_server", {"--root=" + root(), "--fork_client=reports/may.txt"});
  // Which of them carries it is negotiated; both sides could do any, and are one user's processes
  // until the client has dropped its rights.
  expect_all_of_it(both, both.value("transport"), 1);
  if (::getuid() == 0) {
    EXPECT_TRUE(both.says("uid=65534 dropped from 0\n")) << both;
  } else {
    EXPECT_TRUE(both.says("uid=" + std::to_string(::getuid()) + "\n")) << both;
  }
}

TEST_F(FileBrokerTest, AForkedClientThatIsRefusedFailsTheWhole) {
  const Ended both = run("file_broker_server", {"--root=" + root(), "--fork_client=leaves"});
  EXPECT_GT(both.code, 0) << both;
  EXPECT_TRUE(both.says("PERMISSION_DENIED: ")) << both;
}

TEST_F(FileBrokerTest, FlagsThatMakeNoSenseAreRefusedByName) {
  for (const std::string& flag :
       {std::string("--mode=rw"), std::string("--mode=7777"), std::string("--group=no-such-group"),
        "--root=" + root() + "/no", std::string("--allow=telepathy")}) {
    const Ended server = run("file_broker_server", serving(at("unix"), {flag}));
    EXPECT_GT(server.code, 0) << server;
    EXPECT_TRUE(server.says(flag.substr(flag.find('=') + 1))) << flag << ": " << server;
    EXPECT_FALSE(fs::exists(directory_.socket()));
  }
}

}  // namespace
}  // namespace ferry
