// The sender's half: DescriptorCollector and attach_argument().
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <utility>

#include <gtest/gtest.h>

#include <ferry/limits.h>

#include "tests/messages/helpers.h"
#include "tests/messages/walk_parcel.h"

namespace ferry::testing {
namespace {

using support::Attachments;
using support::FdAccess;
using support::FdKind;
using support::FdRule;
using support::Place;
using support::RawBuilder;

using Slots = std::vector<std::uint16_t>;

TEST(Collect, finds_descriptors_wherever_they_may_stand) {
  const NoLeak no_leak;
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  parcel.setFile(attach(event()));
  parcel.initFiles(2).set(0, attach(event()));
  parcel.getFiles().set(1, attach(event()));
  auto rows = parcel.initRows(2);
  rows.init(0, 1).set(0, attach(memfd()));
  rows.init(1, 2).set(0, attach(memfd()));
  rows[1].set(1, attach(memfd()));
  parcel.initEntries(1)[0].setFile(attach(read_only_file()));
  parcel.initBox().setValue(attach(memfd()));
  parcel.getAnything().initAs<Entry>().setFile(attach(event()));
  parcel.initLeft().setFile(attach(event()));

  ASSERT_EQ(collect(message), Status());
  EXPECT_EQ(message.attachments().slots, (Slots{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  for (const UniqueFd& fd : message.attachments().descriptors) EXPECT_TRUE(fd.valid());
}

TEST(Collect, a_message_without_descriptors_has_no_attachments) {
  RawBuilder message;
  message.root().initAs<Parcel>().setName("nothing");
  EXPECT_EQ(collect(message), Status());
  EXPECT_TRUE(message.attachments().empty());
}

TEST(Collect, lists_live_slots_only) {
  const NoLeak no_leak;
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  parcel.setFile(attach(event()));              // slot 0, overwritten by slot 2
  parcel.initFiles(1).set(0, attach(event()));  // slot 1
  parcel.setFile(attach(event()));              // slot 2
  parcel.initBox().setValue(attach(memfd()));   // slot 3, disposed of
  parcel.disownBox();
  parcel.initEntries(1)[0].setFile(attach(read_only_file()));  // slot 4
  ASSERT_EQ(collect(message), Status());
  EXPECT_EQ(message.attachments().slots, (Slots{1, 2, 4}));
  EXPECT_EQ(message.attachments().descriptors.size(), 3U);
}

TEST(Collect, does_not_send_the_descriptor_of_an_inactive_union_arm) {
  const NoLeak no_leak;
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  parcel.initLeft().setFile(attach(event()));
  parcel.setRight("now this arm is active");
  parcel.setFile(attach(event()));
  ASSERT_EQ(collect(message), Status());
  EXPECT_EQ(message.attachments().slots, (Slots{1}));
}

TEST(Collect, refuses_one_attachment_in_two_places) {
  const NoLeak no_leak;
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  rpc::Fd::Client client = attach(event());
  parcel.setFile(client);
  parcel.initFiles(1).set(0, client);
  EXPECT_EQ(collect(message),
            Status::invalid_argument("send.files[0]: its descriptor stands elsewhere in the "
                                     "message too: attach a duplicate() instead"));
  EXPECT_TRUE(message.attachments().empty());
  EXPECT_GE(fd_of(client), 0) << "a message that is refused keeps its descriptors";
}

TEST(Collect, refuses_one_attachment_in_an_active_and_an_inactive_place) {
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  rpc::Fd::Client client = attach(event());
  parcel.initLeft().setFile(client);
  parcel.setRight("now this arm is active");
  parcel.setFile(client);
  EXPECT_EQ(collect(message).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(message.attachments().empty());
}

TEST(Collect, refuses_what_was_taken_or_sent_before) {
  const NoLeak no_leak;
  RawBuilder message;
  message.root().initAs<Parcel>().setFile(attach(event()));
  ASSERT_EQ(collect(message), Status());
  message.attachments() = {};
  EXPECT_EQ(collect(message),
            Status::failed_precondition("send.file: its descriptor was already taken or sent"));
}

TEST(Collect, refuses_a_capability_that_is_no_descriptor) {
  RawBuilder message;
  message.root().initAs<Parcel>().setFile(rpc::Fd::Client(KJ_EXCEPTION(FAILED, "broken")));
  EXPECT_EQ(collect(message),
            Status::invalid_argument("send.file: is not a file descriptor: use ferry::attach()"));
}

TEST(Collect, refuses_a_missing_descriptor_unless_it_is_optional) {
  RawBuilder message;
  message.root().initAs<Parcel>();
  EXPECT_EQ(collect(message, &support::kAnyFd),
            Status::invalid_argument("send.file: a descriptor is required, there is none"));
  EXPECT_EQ(collect(message, &kOptional), Status());
}

TEST(Collect, enforces_the_rule_of_the_type_and_of_the_field) {
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  parcel.initEntries(2)[0].setFile(attach(read_only_file()));
  parcel.getEntries()[1].setFile(attach(memfd()));
  EXPECT_EQ(
      collect(message),
      Status::invalid_argument("send.entries[1].file: must be open read-only, is open read-write"));

  RawBuilder other;
  other.root().initAs<Parcel>().setFile(attach(event()));
  const FdRule socket{.kind = FdKind::kSocket};
  EXPECT_EQ(collect(other, &socket),
            Status::invalid_argument("send.file: must be a socket, is an eventfd"));
}

TEST(Collect, one_descriptor_over_the_limit_is_refused_with_both_numbers) {
  const NoLeak no_leak;
  for (const unsigned extra : {0U, 1U, 40U}) {
    RawBuilder message;
    const unsigned count = limits::kDescriptors + extra;
    auto files = message.root().initAs<Parcel>().initFiles(count);
    const UniqueFd one = event();
    for (unsigned i = 0; i < count; ++i) files.set(i, attach(duplicate(one)));
    const Status expected =
        extra == 0 ? Status()
                   : Status::resource_exhausted("the message has " + std::to_string(count) +
                                                " descriptors, one may have " +
                                                std::to_string(limits::kDescriptors));
    EXPECT_EQ(collect(message), expected);
    EXPECT_EQ(message.attachments().descriptors.size(), extra == 0 ? count : 0);
  }
}

TEST(Collect, refuses_slots_beyond_the_limit_and_says_how_they_came_about) {
  const NoLeak no_leak;
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  for (unsigned i = 0; i <= limits::kAttachmentSlots; ++i) parcel.setFile(attach(event()));
  const Status status = collect(message);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(status.message().find("4097 times, at most 4096"), std::string::npos) << status;
  EXPECT_TRUE(message.attachments().empty() && message.attachments().slots.empty());
}

TEST(Collect, refuses_untyped_content_that_is_nested_too_deep) {
  RawBuilder message;
  auto node = message.root().initAs<Parcel>().getAnything().initAs<Node>();
  for (int i = 0; i < 1000; ++i) node = node.initNext();
  EXPECT_EQ(collect(message),
            Status::invalid_argument("send.anything: is nested deeper than 64 pointers"));
}

TEST(AttachArgument, a_lent_descriptor_is_duplicated_and_stays_open) {
  const NoLeak no_leak;
  const UniqueFd lent = memfd();
  const Place at("open");
  {
    auto attachment = support::attach_argument(lent, at);
    ASSERT_TRUE(attachment.ok());
    const rpc::Fd::Client client = *attachment;
    EXPECT_NE(fd_of(client), lent.get());
    EXPECT_TRUE(same_file(fd_of(client), lent.get()));
    EXPECT_EQ(::fcntl(fd_of(client), F_GETFD), FD_CLOEXEC);
  }
  EXPECT_TRUE(lent.valid());
  EXPECT_GE(::fcntl(lent.get(), F_GETFD), 0);
}

TEST(AttachArgument, a_given_descriptor_is_moved) {
  const NoLeak no_leak;
  UniqueFd given = memfd();
  const int number = given.get();
  const Place at("open");
  auto attachment = support::attach_argument(std::move(given), at);
  ASSERT_TRUE(attachment.ok());
  EXPECT_FALSE(given.valid());
  const rpc::Fd::Client client = *attachment;
  EXPECT_EQ(fd_of(client), number);
}

TEST(AttachArgument, a_full_descriptor_table_is_named_with_its_limit) {
  const UniqueFd lent = memfd();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(lent.get()) + 1;
  // All numbers below must be used for the table to be full.
  std::vector<UniqueFd> fill;
  for (UniqueFd fd = duplicate(lent); fd.valid() && fd.get() < lent.get(); fd = duplicate(lent)) {
    fill.push_back(std::move(fd));
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Place open("open");
  const Place file(open, "file");
  const Status status = support::attach_argument(lent, file).status();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(status, Status::resource_exhausted("open.file: duplicate descriptor " +
                                               std::to_string(lent.get()) +
                                               ": Too many open files (RLIMIT_NOFILE is " +
                                               std::to_string(none.rlim_cur) + ")"));
}

}  // namespace
}  // namespace ferry::testing
