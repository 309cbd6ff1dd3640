#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/support/fd_rule.h>

#include "tests/messages/helpers.h"

namespace ferry::testing {
namespace {

using support::check_descriptor;
using support::FdAccess;
using support::FdKind;
using support::FdRule;
using support::Place;

UniqueFd opened(const char* path, int flags) {
  UniqueFd fd(::open(path, flags | O_CLOEXEC, 0600));
  EXPECT_TRUE(fd.valid()) << path;
  return fd;
}

UniqueFd one_socket() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ::close(ends[1]);
  return UniqueFd(ends[0]);
}

UniqueFd pipe_end(int which) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[1 - which]);
  return UniqueFd(ends[which]);
}

struct Sample {
  UniqueFd fd;
  std::vector<FdKind> kinds;  // that it is
  std::string is;
};

std::vector<Sample> samples() {
  std::vector<Sample> all;
  all.push_back({read_only_file(), {FdKind::kFile}, "a regular file"});
  all.push_back({opened("/", O_RDONLY | O_DIRECTORY), {FdKind::kDirectory}, "a directory"});
  all.push_back({one_socket(), {FdKind::kSocket}, "a socket"});
  all.push_back({pipe_end(0), {FdKind::kPipe}, "a pipe"});
  all.push_back({memfd(), {FdKind::kMemfd, FdKind::kFile}, "a memfd"});
  all.push_back({event(), {FdKind::kEventfd}, "an eventfd"});
  all.push_back({opened("/dev/null", O_RDWR), {FdKind::kDevice}, "a character device"});
  return all;
}

std::string must_be(FdKind kind) {
  switch (kind) {
    case FdKind::kAny:
      return "";
    case FdKind::kFile:
      return "a regular file";
    case FdKind::kDirectory:
      return "a directory";
    case FdKind::kSocket:
      return "a socket";
    case FdKind::kPipe:
      return "a pipe";
    case FdKind::kMemfd:
      return "a memfd";
    case FdKind::kEventfd:
      return "an eventfd";
    case FdKind::kDevice:
      return "a device";
  }
  return "?";
}

TEST(CheckDescriptor, every_kind_against_every_rule) {
  const NoLeak no_leak;
  for (const Sample& sample : samples()) {
    for (int number = 0; number <= static_cast<int>(FdKind::kDevice); ++number) {
      const auto kind = static_cast<FdKind>(number);
      const Status status = check_descriptor(sample.fd.get(), {.kind = kind}, "open.file");
      bool fits = kind == FdKind::kAny;
      for (const FdKind own : sample.kinds) fits |= own == kind;
      const Status expected = fits ? Status()
                                   : Status::invalid_argument("open.file: must be " +
                                                              must_be(kind) + ", is " + sample.is);
      EXPECT_EQ(status, expected);
    }
  }
}

TEST(CheckDescriptor, a_file_of_tmpfs_that_has_a_name_is_no_memfd) {
  char path[] = "/dev/shm/ferry-test-XXXXXX";
  const UniqueFd fd(::mkostemp(path, O_CLOEXEC));
  ASSERT_TRUE(fd.valid());
  const Status status = check_descriptor(fd.get(), {.kind = FdKind::kMemfd}, "at");
  ::unlink(path);
  EXPECT_EQ(status, Status::invalid_argument("at: must be a memfd, is a regular file"));
}

TEST(CheckDescriptor, every_access_against_every_rule) {
  const UniqueFd fds[] = {opened("/dev/null", O_RDONLY), opened("/dev/null", O_WRONLY),
                          opened("/dev/null", O_RDWR)};
  const bool fits[][3] = {{true, true, true},   {true, false, false}, {false, true, false},
                          {false, false, true}, {true, false, true},  {false, true, true}};
  for (int access = 0; access <= static_cast<int>(FdAccess::kWritable); ++access) {
    for (int i = 0; i < 3; ++i) {
      const FdRule rule{.access = static_cast<FdAccess>(access)};
      EXPECT_EQ(check_descriptor(fds[i].get(), rule, "at").ok(), fits[access][i])
          << access << " " << i;
    }
  }
  EXPECT_EQ(check_descriptor(fds[2].get(), {.access = FdAccess::kReadOnly}, "open.file"),
            Status::invalid_argument("open.file: must be open read-only, is open read-write"));
}

TEST(CheckDescriptor, seals_that_are_missing_are_named) {
  const UniqueFd fd = memfd(MFD_ALLOW_SEALING);
  const FdRule rule{.kind = FdKind::kMemfd, .seals = support::kSealShrink | support::kSealWrite};
  EXPECT_EQ(check_descriptor(fd.get(), rule, "at"),
            Status::invalid_argument(
                "at: must be sealed against shrink, write, is sealed against nothing"));
  ASSERT_EQ(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
  EXPECT_EQ(check_descriptor(fd.get(), rule, "at"),
            Status::invalid_argument(
                "at: must be sealed against shrink, write, is sealed against shrink"));
  ASSERT_EQ(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
  EXPECT_EQ(check_descriptor(fd.get(), rule, "at"), Status());
}

TEST(CheckDescriptor, what_has_no_seals_at_all_breaks_a_rule_of_seals) {
  const UniqueFd fd = pipe_end(0);
  EXPECT_EQ(check_descriptor(fd.get(), {.seals = support::kSealGrow}, "at"),
            Status::invalid_argument("at: must be sealed against grow, is sealed against nothing"));
}

TEST(CheckDescriptor, o_path_is_refused_whatever_the_rule) {
  const UniqueFd fd = opened("/proc/self/exe", O_PATH);
  for (const FdRule& rule : {FdRule{}, FdRule{.kind = FdKind::kFile}}) {
    EXPECT_EQ(check_descriptor(fd.get(), rule, "at"),
              Status::invalid_argument(
                  "at: is open with O_PATH, which is never accepted: open it for reading or "
                  "writing"));
  }
}

TEST(CheckDescriptor, a_closed_descriptor_is_refused_by_number) {
  UniqueFd fd = memfd();
  const int number = fd.get();
  fd.reset();
  EXPECT_EQ(check_descriptor(number, support::kAnyFd, "at"),
            Status::invalid_argument("at: descriptor " + std::to_string(number) + " is not open"));
  EXPECT_EQ(check_descriptor(-1, support::kAnyFd, "at"),
            Status::invalid_argument("at: descriptor -1 is not open"));
}

TEST(CheckDescriptor, rules_of_the_fields_around_hold_too) {
  const UniqueFd fd = memfd();
  const FdRule directory{.kind = FdKind::kDirectory};
  const Place method("open");
  const Place entries(method, "entries", &directory);
  const Place entry(entries, 3);
  const Place file(entry, "file");
  EXPECT_EQ(file.to_string(), "open.entries[3].file");
  EXPECT_EQ(check_descriptor(fd.get(), {.kind = FdKind::kMemfd}, file),
            Status::invalid_argument("open.entries[3].file: must be a directory, is a memfd"));
}

}  // namespace
}  // namespace ferry::testing
