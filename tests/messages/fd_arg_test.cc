// UniqueFd::duplicate() and FdArg::take(): what they give, and what they say when they cannot.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>

#include <ferry/unique_fd.h>

#include "tests/messages/helpers.h"

namespace ferry::testing {
namespace {

// No descriptor can be opened while one of these lives.
class FullTable {
 public:
  FullTable() {
    ::getrlimit(RLIMIT_NOFILE, &old_);
    const int lowest_free = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
    ::close(lowest_free);
    rlimit full = old_;
    full.rlim_cur = static_cast<rlim_t>(lowest_free);
    ::setrlimit(RLIMIT_NOFILE, &full);
  }
  ~FullTable() { ::setrlimit(RLIMIT_NOFILE, &old_); }
  FullTable(const FullTable&) = delete;
  FullTable& operator=(const FullTable&) = delete;

 private:
  rlimit old_{};
};

TEST(FdArg, WhatWasLentIsDuplicated) {
  const NoLeak no_leak;
  const UniqueFd lent = memfd();
  const FdArg arg = lent;
  for (int i = 0; i < 2; ++i) {
    auto taken = arg.take();
    ASSERT_TRUE(taken.ok()) << taken.status();
    EXPECT_NE(taken->get(), lent.get());
    EXPECT_TRUE(same_file(taken->get(), lent.get()));
    EXPECT_EQ(::fcntl(taken->get(), F_GETFD), FD_CLOEXEC);
  }
  EXPECT_TRUE(lent.valid());
}

TEST(FdArg, WhatWasGivenIsMovedOutOnce) {
  const NoLeak no_leak;
  UniqueFd given = memfd();
  const int number = given.get();
  const FdArg arg = std::move(given);
  auto taken = arg.take();
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->get(), number);
  EXPECT_FALSE(arg.valid());
  EXPECT_EQ(arg.take().status().code(), StatusCode::kInvalidArgument);
}

TEST(FdArg, NoneCannotBeTaken) {
  EXPECT_EQ(FdArg().take().status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(FdArg(UniqueFd()).take().status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(UniqueFd().duplicate().status().code(), StatusCode::kInvalidArgument);
}

TEST(FdArg, AFullTableFailsDuplicatesAndNotWhatIsGiven) {
  const NoLeak no_leak;
  UniqueFd fd = memfd();
  Status duplicated;
  Status lent;
  Status given;
  {
    const FullTable full;
    duplicated = fd.duplicate().status();
    lent = FdArg(fd).take().status();
    given = FdArg(std::move(fd)).take().status();
  }
  EXPECT_EQ(duplicated.code(), StatusCode::kResourceExhausted) << duplicated;
  EXPECT_EQ(lent.code(), StatusCode::kResourceExhausted) << lent;
  EXPECT_EQ(given, Status());
}

}  // namespace
}  // namespace ferry::testing
