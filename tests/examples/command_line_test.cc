// What the programs say of themselves, and of a command line that makes no sense.
#include <string>

#include <gtest/gtest.h>

#include "tests/examples/program.h"

namespace ferry {
namespace {

using testing::Ended;
using testing::run;

std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

class CommandLineTest : public ::testing::TestWithParam<std::string> {};

TEST_P(CommandLineTest, HelpTellsPurposeCommandsTargetsAndOwnFlags) {
  const Ended help = run(GetParam(), {"--help"});
  EXPECT_EQ(help.code, 0) << help;
  EXPECT_GE(help.count("\n  " + GetParam() + " --"), 2) << help;  // commands to try
  for (const char* target : {"unix:PATH", "fifo:PATH", "mq:PATH", "shm:PATH", "memfd:PATH",
                             "auto:PATH", "auto:PATH?order=", "fd:N"}) {
    EXPECT_TRUE(help.says(target)) << target << ": " << help;
  }
  const bool server = GetParam().ends_with("_server");
  EXPECT_TRUE(help.says(server ? "\n  --listen\n" : "\n  --target\n")) << help;
  EXPECT_FALSE(help.says("--flagfile")) << help;  // gflags' own
}

TEST_P(CommandLineTest, AnUnknownFlagIsRefusedByName) {
  const Ended ended = run(GetParam(), {"--speed=11"});
  EXPECT_GT(ended.code, 0) << ended;
  EXPECT_TRUE(ended.says("speed")) << ended;
}

TEST_P(CommandLineTest, AWordThatIsNoFlagIsRefused) {
  const Ended ended = run(GetParam(), {"unix:/tmp/x.sock"});
  EXPECT_EQ(ended.code, 2) << ended;
  EXPECT_TRUE(ended.says("unix:/tmp/x.sock")) << ended;
}

INSTANTIATE_TEST_SUITE_P(Of, CommandLineTest,
                         ::testing::Values("greeter_server", "greeter_client", "file_broker_server",
                                           "file_broker_client"),
                         &name_of);

class CallsFlagTest : public ::testing::TestWithParam<std::string> {};

TEST_P(CallsFlagTest, LessThanOneCallIsRefusedBeforeAnythingIsTried) {
  // Nobody listens there: it would be said if it were tried.
  const Ended none = run(GetParam(), {"--target=unix:/nowhere/x.sock", "--calls=0"});
  EXPECT_EQ(none.code, 2) << none;
  EXPECT_TRUE(none.says("--calls=0")) << none;
  EXPECT_FALSE(none.says("nowhere")) << none;
  const Ended negative = run(GetParam(), {"--target=unix:/nowhere/x.sock", "--calls=-1"});
  EXPECT_GT(negative.code, 0) << negative;
  EXPECT_TRUE(negative.says("calls")) << negative;
  EXPECT_FALSE(negative.says("nowhere")) << negative;
}

INSTANTIATE_TEST_SUITE_P(Of, CallsFlagTest,
                         ::testing::Values("greeter_client", "file_broker_client"), &name_of);

}  // namespace
}  // namespace ferry
