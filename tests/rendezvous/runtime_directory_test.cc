// $XDG_RUNTIME_DIR/ferry: made closed to others, and refused when it is not.
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/rendezvous/support.h"
#include "transports/rendezvous/listener.h"

namespace ferry::transports {
namespace {

using testing::kForeignUid;
using testing::raw_connect;
using testing::TempDirectory;

struct stat look(const std::string& path) {
  struct stat found {};
  EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
  return found;
}

Target named(const TempDirectory& dir) {
  Target target;
  target.text = "auto:x";
  target.path = dir / "ferry/x.sock";
  target.runtime_directory = true;
  return target;
}

TEST(RuntimeDirectory, IsMadeClosedToOthers) {
  TempDirectory dir;
  auto listener = Listener::open(named(dir), {});
  ASSERT_TRUE(listener) << listener.status();
  EXPECT_EQ(look(dir / "ferry").st_mode & 07777, 0700u);
  EXPECT_TRUE(raw_connect(dir / "ferry/x.sock"));
}

TEST(RuntimeDirectory, ThatOthersCouldWriteToOrThatIsASymlinkIsRefused) {
  TempDirectory dir;
  ::mkdir((dir / "ferry").c_str(), 0777);
  ::chmod((dir / "ferry").c_str(), 0777);
  Status status = Listener::open(named(dir), {}).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("open to others (mode 0777)"), std::string::npos) << status;
  ::mkdir((dir / "real").c_str(), 0700);
  ::rmdir((dir / "ferry").c_str());
  ASSERT_EQ(::symlink((dir / "real").c_str(), (dir / "ferry").c_str()), 0);
  status = Listener::open(named(dir), {}).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
}

TEST(RuntimeDirectory, OfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give a directory away";
  TempDirectory dir;
  ::mkdir((dir / "ferry").c_str(), 0700);
  ASSERT_EQ(::chown((dir / "ferry").c_str(), kForeignUid, kForeignUid), 0);
  const Status status = Listener::open(named(dir), {}).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("belongs to uid 65534"), std::string::npos) << status;
}

}  // namespace
}  // namespace ferry::transports
