// Descriptors in parameters, lists, unions and generics: checked, passed, and closed.
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "all.capnp.ferry.h"
#include "tests/codegen/loopback.h"

namespace ferry::testing {
namespace {

namespace in = ::all::inner;

class Keeper final : public Service<in::Diamond> {
 public:
  Result<FdsReply> fds(ServerContext&, FdsParams p) override {
    ++calls;
    FdsReply r;
    if (!take_all) return Status::aborted("took nothing");
    r.any = *p.any.take();
    if (p.file) r.file = *p.file->take();
    for (const FdArg& one : p.list) r.list.push_back(*one.take());
    for (const auto& one : p.maybe) {
      r.maybe.emplace_back();
      if (one) r.maybe.back() = *one->take();
    }
    r.which = p.which;
    if (p.which == in::Fds::FRAME) r.frame = *p.frame.take();
    if (p.which == in::Fds::OPT && p.opt) r.opt = *p.opt->take();
    r.box.value = *p.box.value.take();
    for (const auto& row : p.nested) {
      r.nested.emplace_back();
      for (const FdArg& one : row) r.nested.back().push_back(*one.take());
    }
    return r;
  }
  Result<FrameReply> frame(ServerContext&, FrameParams) override {
    return FrameReply{.f = memfd(MFD_CLOEXEC)};  // not sealed: must not leave
  }

  bool take_all = true;
  int calls = 0;
};

UniqueFd directory() { return UniqueFd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

UniqueFd sealed_frame() {
  UniqueFd fd(::memfd_create("frame", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK), 0);
  return fd;
}

class Descriptors : public ::testing::Test {
 protected:
  NoLeak no_leak;
  Keeper keeper;
  Stub<in::Diamond> stub = loop<Stub<in::Diamond>>(keeper);
  UniqueFd any = event();
  UniqueFd file = read_only_file();
  UniqueFd root = directory();
};

TEST_F(Descriptors, ArriveFromEveryPlace) {
  UniqueFd frame = sealed_frame();
  const FdArg list[] = {file, file};
  const std::optional<FdArg> maybe[] = {std::nullopt};
  const FdArg row[] = {any};
  const std::span<const FdArg> nested[] = {row, {}};
  auto r = stub.fds({.any = any,
                     .file = file,
                     .list = list,
                     .maybe = maybe,
                     .which = in::Fds::FRAME,
                     .frame = frame,
                     .box = {.value = root},
                     .nested = nested});
  ASSERT_TRUE(r) << r.status();
  EXPECT_TRUE(same_file(r->any.get(), any.get()));
  EXPECT_TRUE(same_file(r->file->get(), file.get()));
  ASSERT_EQ(r->list.size(), 2u);
  EXPECT_TRUE(same_file(r->list[1].get(), file.get()));
  ASSERT_EQ(r->maybe.size(), 1u);
  EXPECT_FALSE(r->maybe[0].has_value());
  EXPECT_TRUE(same_file(r->frame.get(), frame.get()));
  EXPECT_TRUE(same_file(r->box.value.get(), root.get()));
  ASSERT_EQ(r->nested.size(), 2u);
  EXPECT_TRUE(same_file(r->nested[0][0].get(), any.get()));
}

TEST_F(Descriptors, AnOptionalOneMayBeLeftOutEvenAsAUnionsArm) {
  auto r = stub.fds({.any = any, .which = in::Fds::OPT, .box = {.value = root}});
  ASSERT_TRUE(r) << r.status();
  EXPECT_EQ(r->which, in::Fds::OPT);
  EXPECT_FALSE(r->opt.has_value());
  EXPECT_FALSE(r->file.has_value());
}

TEST_F(Descriptors, AGivenOneIsTakenALentOneIsKept) {
  UniqueFd given = event();
  auto r = stub.fds({.any = std::move(given), .which = in::Fds::NOTHING, .box = {.value = root}});
  ASSERT_TRUE(r) << r.status();
  EXPECT_FALSE(given.valid());
  EXPECT_TRUE(root.valid());
}

TEST_F(Descriptors, ThoseAHandlerDoesNotTakeAreClosed) {
  keeper.take_all = false;
  const FdArg list[] = {file, file, file};
  auto r = stub.fds({.any = any, .list = list, .which = in::Fds::NOTHING, .box = {.value = root}});
  EXPECT_EQ(r.status(), Status::aborted("took nothing"));
  EXPECT_EQ(keeper.calls, 1);
}

TEST_F(Descriptors, AMissingOneIsRefusedByNameBeforeTheHandlerRuns) {
  auto r = stub.fds({.which = in::Fds::NOTHING, .box = {.value = root}});
  EXPECT_EQ(r.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(r.status().message().find("fds.any"), std::string::npos) << r.status();
  EXPECT_EQ(keeper.calls, 0);
}

TEST_F(Descriptors, AWrongKindInAListIsRefusedWithItsIndex) {
  const FdArg list[] = {file, any};
  auto r = stub.fds({.any = any, .list = list, .which = in::Fds::NOTHING, .box = {.value = root}});
  EXPECT_EQ(r.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(r.status().message().find("fds.list[1]"), std::string::npos) << r.status();
}

TEST_F(Descriptors, ARuleOnAFieldHoldsBesideThatOfTheType) {
  UniqueFd writable(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const UniqueFd both = memfd(MFD_CLOEXEC);  // a file, but not read-only as Entry.file wants
  auto r = stub.fds({.any = any,
                     .which = in::Fds::ENTRY,
                     .entry = {.name = "e", .file = both},
                     .box = {.value = root}});
  EXPECT_EQ(r.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(r.status().message().find("fds.entry.file"), std::string::npos) << r.status();
}

TEST_F(Descriptors, ARuleOnAGenericFieldHoldsForWhatIsInIt) {
  auto r = stub.fds({.any = any, .which = in::Fds::NOTHING, .box = {.value = file}});
  EXPECT_EQ(r.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(r.status().message().find("fds.box.value"), std::string::npos) << r.status();
}

TEST_F(Descriptors, AReplyThatBreaksARuleDoesNotLeaveTheServer) {
  auto r = stub.frame();
  EXPECT_EQ(r.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(r.status().message().find("frame.f"), std::string::npos) << r.status();
}

}  // namespace
}  // namespace ferry::testing
