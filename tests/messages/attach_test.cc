#include <utility>

#include <gtest/gtest.h>

#include <ferry/attach.h>

#include "tests/messages/helpers.h"
#include "tests/messages/parcel.capnp.h"

namespace ferry::testing {
namespace {

using support::RawBuilder;

TEST(Attach, converts_to_the_client_of_fd_and_of_what_extends_it) {
  const NoLeak no_leak;
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  parcel.setFile(attach(memfd()));
  parcel.initEntries(1)[0].setFile(attach(read_only_file()));
  parcel.initBox().setValue(attach(memfd()));
  parcel.initFiles(1).set(0, attach(event()));
  rpc::Socket::Client named = attach(memfd());
  EXPECT_GE(fd_of(named), 0);
  EXPECT_GE(fd_of(parcel.asReader().getFile()), 0);
  EXPECT_GE(fd_of(parcel.asReader().getFiles()[0]), 0);
}

TEST(Attach, closes_the_descriptor_with_the_message) {
  const std::size_t before = open_descriptors();
  {
    RawBuilder message;
    message.root().initAs<Parcel>().setFile(attach(memfd()));
    EXPECT_EQ(open_descriptors(), before + 1);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Attach, closes_the_descriptor_that_is_overwritten) {
  const NoLeak no_leak;
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  const std::size_t before = open_descriptors();
  parcel.setFile(attach(memfd()));
  parcel.setFile(attach(memfd()));
  EXPECT_EQ(open_descriptors(), before + 1);
}

TEST(Take, moves_the_descriptor_out_once) {
  const NoLeak no_leak;
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  const UniqueFd original = memfd();
  parcel.setFile(attach(duplicate(original)));

  auto taken = take(parcel.getFile());
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_TRUE(same_file(taken->get(), original.get()));

  const auto again = take(parcel.getFile());
  EXPECT_EQ(again.status(),
            Status::failed_precondition("take a descriptor: it was already taken or sent"));
  EXPECT_EQ(fd_of(parcel.getFile()), -1);
}

TEST(Take, refuses_a_null_pointer) {
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  EXPECT_EQ(take(parcel.getFile()).status(),
            Status::failed_precondition("take a descriptor: the pointer is null"));
  EXPECT_EQ(fd_of(parcel.getFile()), -1);
}

TEST(Take, refuses_a_capability_that_is_no_descriptor) {
  const rpc::Fd::Client broken(KJ_EXCEPTION(FAILED, "not a descriptor"));
  EXPECT_EQ(take(broken).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(fd_of(broken), -1);
}

TEST(FdOf, lends_and_leaves_the_descriptor_where_it_is) {
  const NoLeak no_leak;
  const UniqueFd original = memfd();
  const rpc::Fd::Client client = attach(duplicate(original));
  EXPECT_TRUE(same_file(fd_of(client), original.get()));
  EXPECT_TRUE(take(client).ok());
}

// kj and capnp promise a hook that answers calls; a descriptor has no methods and no event loop.
TEST(Attach, a_call_on_a_descriptor_is_broken_and_does_not_crash) {
  const NoLeak no_leak;
  rpc::Fd::Client client = attach(memfd());
  const auto hook = [&] { return capnp::ClientHook::from(client); };
  EXPECT_NO_THROW({
    auto request = hook()->newCall(1, 2, nullptr);
    static_cast<void>(request);
  });
  EXPECT_NO_THROW({
    auto started = hook()->call(1, 2, kj::Own<capnp::CallContextHook>());
    static_cast<void>(started);
  });
  KJ_IF_MAYBE (fd, hook()->getFd()) {
    EXPECT_EQ(*fd, fd_of(client));
  } else {
    ADD_FAILURE() << "getFd() gave nothing";
  }
}

TEST(Attach, survives_a_deep_copy_and_belongs_to_who_takes_it_first) {
  const NoLeak no_leak;
  RawBuilder from;
  from.root().initAs<Parcel>().setFile(attach(memfd()));
  RawBuilder to;
  to.root().setAs<Parcel>(from.root_reader().getAs<Parcel>());
  EXPECT_TRUE(take(to.root().getAs<Parcel>().getFile()).ok());
  EXPECT_FALSE(take(from.root().getAs<Parcel>().getFile()).ok());
}

}  // namespace
}  // namespace ferry::testing
