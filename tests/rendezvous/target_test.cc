// Every kind of target, and every way to get one wrong, with the words for it.
#include "transports/target.h"

#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

namespace ferry::transports {
namespace {

using Order = std::vector<std::string>;

std::string why_not(std::string_view text) {
  auto target = parse_target(text);
  return target ? "accepted" : target.status().to_string();
}

TEST(Target, NamedTransportIsThatOneAndNoOther) {
  for (const std::string name : {"unix", "fifo", "mq", "shm", "memfd"}) {
    auto target = parse_target(name + ":/run/x.sock");
    ASSERT_TRUE(target) << target.status();
    EXPECT_EQ(target->kind, Target::Kind::kTransport);
    EXPECT_EQ(target->order, Order{name});
    EXPECT_EQ(target->path, "/run/x.sock");
    EXPECT_EQ(target->text, name + ":/run/x.sock");
    EXPECT_FALSE(target->runtime_directory);
  }
}

TEST(Target, AutoTakesAnOrderOrNone) {
  auto any = parse_target("auto:/run/x.sock");
  ASSERT_TRUE(any) << any.status();
  EXPECT_EQ(any->kind, Target::Kind::kAuto);
  EXPECT_TRUE(any->order.empty());
  auto ordered = parse_target("auto:./x?order=mq,memfd,unix");
  ASSERT_TRUE(ordered) << ordered.status();
  EXPECT_EQ(ordered->path, "./x");
  EXPECT_EQ(ordered->order, (Order{"mq", "memfd", "unix"}));
}

TEST(Target, DescriptorAndInprocName) {
  auto fd = parse_target("fd:17");
  ASSERT_TRUE(fd) << fd.status();
  EXPECT_EQ(fd->kind, Target::Kind::kDescriptor);
  EXPECT_EQ(fd->descriptor, 17);
  auto inproc = parse_target("inproc:calculator");
  ASSERT_TRUE(inproc) << inproc.status();
  EXPECT_EQ(inproc->kind, Target::Kind::kInproc);
  EXPECT_EQ(inproc->name, "calculator");
}

TEST(Target, BareNameIsASocketInTheRuntimeDirectory) {
  ::setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
  auto target = parse_target("auto:calculator?order=unix");
  ASSERT_TRUE(target) << target.status();
  EXPECT_EQ(target->path, "/run/user/7/ferry/calculator.sock");
  EXPECT_TRUE(target->runtime_directory);
  ::setenv("XDG_RUNTIME_DIR", "relative", 1);
  EXPECT_EQ(parse_target("auto:calculator").status().code(), StatusCode::kFailedPrecondition);
  ::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(
      why_not("auto:calculator"),
      "FAILED_PRECONDITION: target \"auto:calculator\": the name \"calculator\" stands for a "
      "socket below $XDG_RUNTIME_DIR, which is not set to an absolute path; set it, or give a "
      "path with '/'");
}

TEST(Target, UnknownTransportIsNamedWithTheNearestAndAllThatAreAccepted) {
  const std::string why = why_not("shmm:/x");
  EXPECT_EQ(why.rfind("INVALID_ARGUMENT: target \"shmm:/x\": unknown transport \"shmm\"; did you "
                      "mean \"shm\"? accepted are ",
                      0),
            0u)
      << why;
  for (const char* name : {"unix", "fifo", "mq", "shm", "memfd", "auto", "fd", "inproc"}) {
    EXPECT_NE(why.find(std::string(" ") + name), std::string::npos) << why;
  }
  EXPECT_EQ(why_not("tcp://host:80").find("did you mean"), std::string::npos);
  EXPECT_NE(why_not("Unix:/x").find("did you mean \"unix\"?"), std::string::npos);
  EXPECT_EQ(
      why_not("auto:/x?order=mq,memf")
          .rfind("INVALID_ARGUMENT: target \"auto:/x?order=mq,memf\": order: unknown transport "
                 "\"memf\"; did you mean \"memfd\"?",
                 0),
      0u);
}

TEST(Target, EachBadPartIsNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "it is empty"},
      {"/run/x.sock", "there is no transport in front; write auto:/run/x.sock, say"},
      {":/x", "unknown transport \"\""},
      {"unix:", "the path is empty"},
      {"auto:?order=mq", "the path is empty"},
      {"unix:/run/", "ends with '/'"},
      {std::string("unix:/a\0b", 9), "NUL"},
      {"unix:/x?order=mq", "only auto: has options"},
      {"auto:/x?", "unknown option \"\""},
      {"auto:/x?ordre=mq", "unknown option \"ordre=mq\"; accepted is order=NAME,NAME,..."},
      {"auto:/x?order=", "order has an empty name"},
      {"auto:/x?order=mq,", "order has an empty name"},
      {"auto:/x?order=mq,mq", "order names \"mq\" twice"},
      {"auto:/x?order=auto", "unknown transport \"auto\""},
      {"fd:", "\"\" is not the number of a descriptor"},
      {"fd:-1", "\"-1\" is not the number"},
      {"fd:3x", "\"3x\" is not the number"},
      {"fd:99999999999", "is not the number"},
      {"inproc:", "the name is empty"},
  };
  for (const auto& [text, part] : cases) {
    const std::string why = why_not(text);
    EXPECT_EQ(why.rfind("INVALID_ARGUMENT: target ", 0), 0u) << text << ": " << why;
    EXPECT_NE(why.find(part), std::string::npos) << text << ": " << why;
  }
}

TEST(Target, PathIsMeasuredAgainstWhatASocketsNameHolds) {
  EXPECT_TRUE(parse_target("unix:/" + std::string(106, 'x')));
  const std::string why = why_not("unix:/" + std::string(107, 'x'));
  EXPECT_NE(why.find("has 108 bytes; a local socket's name has at most 107"), std::string::npos)
      << why;
}

}  // namespace
}  // namespace ferry::transports
