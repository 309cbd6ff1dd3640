// The receiver's half: RawReader with attachments and DescriptorChecker.
#include <cstring>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <ferry/limits.h>

#include "tests/messages/helpers.h"
#include "tests/messages/walk_parcel.h"

namespace ferry::testing {
namespace {

using support::FdKind;
using support::FdRule;
using support::RawBuilder;
using support::RawReader;
using support::WireMessage;

// A parcel with two eventfds, files[0] and files[1], as it arrives: slots 0 and 1.
WireMessage two_files() {
  RawBuilder message;
  auto files = message.root().initAs<Parcel>().initFiles(2);
  files.set(0, attach(event()));
  files.set(1, attach(event()));
  EXPECT_EQ(collect(message), Status());
  return deliver(message);
}

TEST(Receive, every_descriptor_arrives_where_it_was_sent) {
  const NoLeak no_leak;
  const UniqueFd first = memfd();
  const UniqueFd second = memfd();
  const UniqueFd third = memfd();
  RawBuilder message;
  {
    auto parcel = message.root().initAs<Parcel>();
    auto rows = parcel.initRows(2);
    rows.init(0, 1).set(0, attach(duplicate(first)));
    rows.init(1, 1).set(0, attach(duplicate(second)));
    parcel.initBox().setValue(attach(duplicate(third)));
    parcel.initLeft().setFile(attach(event()));
  }
  ASSERT_EQ(collect(message), Status());
  RawReader reader;
  ASSERT_EQ(reader.open(deliver(message)), Status());
  ASSERT_EQ(check(reader), Status());
  const auto parcel = reader.root().getAs<Parcel>();
  EXPECT_TRUE(same_file(fd_of(parcel.getRows()[0][0]), first.get()));
  EXPECT_TRUE(same_file(fd_of(parcel.getRows()[1][0]), second.get()));
  auto taken = take(parcel.getBox().getValue());
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_TRUE(same_file(taken->get(), third.get()));
  EXPECT_FALSE(take(parcel.getBox().getValue()).ok()) << "one descriptor was taken twice";
}

TEST(Receive, what_nobody_takes_is_closed_with_the_message) {
  const std::size_t before = open_descriptors();
  {
    RawReader reader;
    ASSERT_EQ(reader.open(two_files()), Status());
    ASSERT_EQ(check(reader), Status());
    EXPECT_EQ(open_descriptors(), before + 2);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Receive, what_nobody_points_to_is_closed_by_the_check) {
  const NoLeak no_leak;
  WireMessage message = two_files();
  message.attachments.slots.push_back(7);
  message.attachments.descriptors.push_back(event());
  const std::size_t before = open_descriptors();
  RawReader reader;
  ASSERT_EQ(reader.open(std::move(message)), Status());
  ASSERT_EQ(check(reader), Status());
  EXPECT_EQ(open_descriptors(), before - 1);
  EXPECT_GE(fd_of(reader.root().getAs<Parcel>().getFiles()[1]), 0);
}

TEST(Receive, a_pointer_to_a_slot_that_is_not_there_is_refused) {
  const NoLeak no_leak;
  for (const std::uint16_t slot : {1, 2}) {  // beyond the table; null in the table
    WireMessage message = two_files();
    message.attachments.slots = {0, slot};
    if (slot == 1) {
      message.attachments.slots.pop_back();
      message.attachments.descriptors.pop_back();
    }
    RawReader reader;
    ASSERT_EQ(reader.open(std::move(message)), Status());
    const Status status = check(reader);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message().rfind("send.files[1]: cannot be read: ", 0), 0U) << status;
  }
}

TEST(Receive, a_descriptor_pointer_without_any_attachment_is_refused) {
  WireMessage message = two_files();
  message.attachments = {};
  RawReader reader;
  ASSERT_EQ(reader.open(std::move(message)), Status());
  const Status status = check(reader);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message().rfind("send.files[0]: cannot be read: ", 0), 0U) << status;
}

TEST(Receive, two_pointers_to_one_attachment_are_refused) {
  const NoLeak no_leak;
  WireMessage message = two_files();
  // The words of files[0] and files[1] are the last two: capability pointers 0 and 1.
  std::vector<std::uint64_t> words(message.body.size() / 8);
  std::memcpy(words.data(), message.body.data(), message.body.size());
  words.back() = words[words.size() - 2];
  WireMessage forged = wire(std::move(words));
  forged.attachments = std::move(message.attachments);
  RawReader reader;
  ASSERT_EQ(reader.open(std::move(forged)), Status());
  EXPECT_EQ(check(reader),
            Status::invalid_argument("send.files[1]: its descriptor stands elsewhere in the "
                                     "message too: attach a duplicate() instead"));
}

TEST(Receive, a_pointer_that_is_no_capability_is_refused) {
  WireMessage message = two_files();
  std::vector<std::uint64_t> words(message.body.size() / 8);
  std::memcpy(words.data(), message.body.data(), message.body.size());
  words.back() = 0x0000'0001'0000'0000;  // a struct pointer, one word of data at offset 0
  words.push_back(0);
  WireMessage forged = wire(std::move(words));
  forged.attachments = std::move(message.attachments);
  RawReader reader;
  ASSERT_EQ(reader.open(std::move(forged)), Status());
  EXPECT_EQ(check(reader).code(), StatusCode::kInvalidArgument);
}

TEST(Receive, rules_are_enforced_and_a_null_is_refused) {
  const NoLeak no_leak;
  RawBuilder message;
  message.root().initAs<Parcel>().setFile(attach(event()));
  ASSERT_EQ(collect(message), Status());
  RawReader reader;
  ASSERT_EQ(reader.open(deliver(message)), Status());
  const FdRule directory{.kind = FdKind::kDirectory};
  EXPECT_EQ(check(reader, &directory),
            Status::invalid_argument("send.file: must be a directory, is an eventfd"));

  RawReader without;
  ASSERT_EQ(without.open(two_files()), Status());
  EXPECT_EQ(check(without, &support::kAnyFd),
            Status::invalid_argument("send.file: a descriptor is required, there is none"));
}

TEST(Receive, a_list_of_attachments_that_lies_is_refused_and_leaks_nothing) {
  const NoLeak no_leak;
  using Slots = std::vector<std::uint16_t>;
  for (const Slots& slots : {Slots{0}, Slots{0, 1, 2}, Slots{1, 0}, Slots{0, 0},
                             Slots{0, limits::kAttachmentSlots}, Slots{0, 65535}, Slots{}}) {
    WireMessage message = two_files();
    message.attachments.slots = slots;
    RawReader reader;
    const Status status = reader.open(std::move(message));
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << slots.size();
    EXPECT_TRUE(reader.root().isNull());
  }
}

TEST(Receive, more_attachments_than_the_limit_are_refused) {
  const NoLeak no_leak;
  WireMessage message = two_files();
  const UniqueFd one = event();
  for (std::uint16_t slot = 2; slot <= limits::kDescriptors; ++slot) {
    message.attachments.slots.push_back(slot);
    message.attachments.descriptors.push_back(duplicate(one));
  }
  RawReader reader;
  EXPECT_EQ(reader.open(std::move(message)).code(), StatusCode::kInvalidArgument);
}

TEST(Receive, a_received_message_may_be_copied_into_a_reply_with_its_descriptors) {
  const NoLeak no_leak;
  const UniqueFd original = memfd();
  RawBuilder request;
  request.root().initAs<Parcel>().setFile(attach(duplicate(original)));
  ASSERT_EQ(collect(request), Status());
  RawReader reader;
  ASSERT_EQ(reader.open(deliver(request)), Status());
  ASSERT_EQ(check(reader), Status());

  RawBuilder reply;
  reply.root().setAs<Parcel>(reader.root().getAs<Parcel>());
  ASSERT_EQ(collect(reply), Status());
  ASSERT_EQ(reply.attachments().descriptors.size(), 1U);
  EXPECT_TRUE(same_file(reply.attachments().descriptors[0].get(), original.get()));
  EXPECT_FALSE(take(reader.root().getAs<Parcel>().getFile()).ok()) << "it went with the reply";
}

TEST(Attached, is_the_place_of_the_descriptor_in_its_message) {
  const NoLeak no_leak;
  RawReader reader;
  ASSERT_EQ(reader.open(two_files()), Status());
  const auto files = reader.root().getAs<Parcel>().getFiles();
  UniqueFd* const place = support::attached(files[0]);
  ASSERT_NE(place, nullptr);
  EXPECT_EQ(place, support::attached(files[0]));
  const UniqueFd mine = std::move(*place);
  EXPECT_TRUE(mine.valid());
  EXPECT_EQ(take(files[0]).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(support::attached(reader.root().getAs<Parcel>().getFile()), nullptr);
}

}  // namespace
}  // namespace ferry::testing
