// The greeter's two programs: one pair of binaries, every transport by flag alone.
#include <csignal>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/examples/program.h"

namespace ferry {
namespace {

using testing::Ended;
using testing::listens;
using testing::Program;
using testing::run;

std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

class GreeterTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string at(const std::string& scheme) const {
    return scheme + ":" + directory_.socket();
  }
  [[nodiscard]] Ended greet(const std::string& target) const {
    return run("greeter_client", {"--target=" + target, "--name=world", "--calls=20"});
  }

  testing::Directory directory_;
};

class GreeterTransportTest : public GreeterTest,
                             public ::testing::WithParamInterface<std::string> {};

TEST_P(GreeterTransportTest, OneFlagChoosesWhatCarriesTheCalls) {
  const Program server("greeter_server", {"--listen=" + at(GetParam())});
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = greet(at(GetParam()));
  EXPECT_EQ(client.code, 0) << client;
  EXPECT_EQ(client.count("Hello world\n"), 1) << client;
  EXPECT_EQ(client.count("transport="), 1) << client;
  if (GetParam() == "auto") {
    EXPECT_EQ(client.value("transport"), "memfd") << client;  // what docs/transports.md has first
  } else {
    EXPECT_EQ(client.value("transport"), GetParam()) << client;
  }
  EXPECT_EQ(client.value("calls"), "20") << client;
}

TEST_P(GreeterTransportTest, SigtermEndsTheServerWithZeroAndItsSocketIsGone) {
  Program server("greeter_server", {"--listen=" + at(GetParam())});
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = greet(at(GetParam()));
  EXPECT_EQ(client.code, 0) << client;
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_EQ(server.output(), "");
  EXPECT_FALSE(std::filesystem::exists(directory_.socket()));
}

INSTANTIATE_TEST_SUITE_P(Over, GreeterTransportTest,
                         ::testing::Values("unix", "fifo", "mq", "shm", "memfd", "auto"), &name_of);

TEST_F(GreeterTest, AllowNarrowsWhatAutoTakes) {
  for (const char* transport : {"unix", "fifo", "mq", "shm", "memfd"}) {
    const testing::Directory directory;
    const std::string target = "auto:" + directory.socket();
    const Program server("greeter_server",
                         {"--listen=" + target, std::string("--allow=") + transport});
    ASSERT_TRUE(listens(directory.socket())) << server.output();
    const Ended client = greet(target);
    EXPECT_EQ(client.code, 0) << client;
    EXPECT_EQ(client.value("transport"), transport) << client;
  }
}

TEST_F(GreeterTest, TheServersSchemeNarrowsWhatAutoTakes) {
  const Program server("greeter_server", {"--listen=" + at("mq")});
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = greet(at("auto"));
  EXPECT_EQ(client.code, 0) << client;
  EXPECT_EQ(client.value("transport"), "mq") << client;
}

TEST_F(GreeterTest, TheClientsOrderChoosesAmongWhatIsAllowed) {
  const Program server("greeter_server", {"--listen=" + at("auto"), "--allow=unix,mq,memfd"});
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = greet(at("auto") + "?order=fifo,mq,unix");
  EXPECT_EQ(client.code, 0) << client;
  EXPECT_EQ(client.value("transport"), "mq") << client;
}

TEST_F(GreeterTest, ATransportThatIsNotAllowedIsRefusedByName) {
  const Program server("greeter_server", {"--listen=" + at("auto"), "--allow=mq,unix"});
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = greet(at("memfd"));
  EXPECT_GT(client.code, 0) << client;
  EXPECT_TRUE(client.says("FAILED_PRECONDITION: ")) << client;
  EXPECT_TRUE(client.says("memfd")) << client;
  EXPECT_EQ(client.count("transport="), 0) << client;
}

TEST_F(GreeterTest, BothProgramsRefuseATransportThatDoesNotExist) {
  for (const Ended& ended :
       {run("greeter_server", {"--listen=shmm:/x"}), run("greeter_client", {"--target=shmm:/x"})}) {
    EXPECT_GT(ended.code, 0) << ended;
    EXPECT_TRUE(ended.says("INVALID_ARGUMENT: ")) << ended;
    EXPECT_TRUE(ended.says("shmm")) << ended;
  }
}

TEST_F(GreeterTest, AnUnknownNameInAllowIsRefused) {
  const Ended server = run("greeter_server", {"--listen=" + at("auto"), "--allow=unix,telepathy"});
  EXPECT_GT(server.code, 0) << server;
  EXPECT_TRUE(server.says("INVALID_ARGUMENT: ")) << server;
  EXPECT_TRUE(server.says("telepathy")) << server;
}

TEST_F(GreeterTest, WithoutAServerTheClientSaysSo) {
  const Ended client = greet(at("unix"));
  EXPECT_GT(client.code, 0) << client;
  EXPECT_TRUE(client.says("UNAVAILABLE: ")) << client;
  EXPECT_TRUE(client.says(directory_.socket())) << client;
}

TEST_F(GreeterTest, TheHandlersRefusalReachesTheUserAsItWas) {
  const Program server("greeter_server", {"--listen=" + at("unix")});
  ASSERT_TRUE(listens(directory_.socket())) << server.output();
  const Ended client = run("greeter_client", {"--target=" + at("unix"), "--name="});
  EXPECT_GT(client.code, 0) << client;
  EXPECT_TRUE(client.says("INVALID_ARGUMENT: name is empty")) << client;
}

}  // namespace
}  // namespace ferry
