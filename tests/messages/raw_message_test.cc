#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <ferry/attach.h>
#include <ferry/limits.h>

#include "tests/messages/helpers.h"
#include "tests/messages/parcel.capnp.h"

namespace ferry::testing {
namespace {

using support::RawBuilder;
using support::RawReader;

TEST(RawMessage, an_untouched_builder_is_one_segment_with_a_null_root) {
  RawBuilder message;
  const auto segments = message.segments();
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments[0].size(), 8U);
  RawReader reader;
  ASSERT_EQ(reader.open(deliver(message)), Status());
  EXPECT_TRUE(reader.root().isNull());
}

TEST(RawMessage, a_small_message_is_one_segment_in_the_builder_itself) {
  RawBuilder message;
  message.root().initAs<Small>().setText("hello");
  const auto segments = message.segments();
  ASSERT_EQ(segments.size(), 1U);
  const auto* const begin = reinterpret_cast<const std::byte*>(&message);
  EXPECT_GE(segments[0].data(), begin);
  EXPECT_LT(segments[0].data(), begin + sizeof message);
}

TEST(RawMessage, arrives_as_it_was_sent_in_one_segment_and_in_several) {
  for (const std::size_t size : {0U, 1U, 100U, 1000U, 5000U, 100000U}) {
    const std::string text(size, 'x');
    RawBuilder message;
    auto parcel = message.root().initAs<Parcel>();
    parcel.setName(text.c_str());
    auto entries = parcel.initEntries(static_cast<unsigned>(size));
    if (size > 0) entries[static_cast<unsigned>(size) - 1].setName("last");
    if (size >= 1000) {
      EXPECT_GT(message.segments().size(), 1U);
    }
    RawReader reader;
    ASSERT_EQ(reader.open(deliver(message)), Status());
    const auto got = reader.root().getAs<Parcel>();
    EXPECT_EQ(got.getName(), text.c_str());
    EXPECT_EQ(got.getEntries().size(), size);
    if (size > 0) {
      EXPECT_EQ(got.getEntries()[static_cast<unsigned>(size) - 1].getName(), "last");
    }
  }
  EXPECT_EQ(storages_alive(), 0);
}

TEST(RawMessage, a_reader_gives_its_storage_back_once) {
  {
    RawBuilder message;
    message.root().initAs<Small>().setText("hello");
    RawReader first;
    ASSERT_EQ(first.open(deliver(message)), Status());
    EXPECT_EQ(storages_alive(), 1);
    RawReader second(std::move(first));
    EXPECT_EQ(storages_alive(), 1);
    EXPECT_EQ(second.root().getAs<Small>().getText(), "hello");
    EXPECT_TRUE(first.root().isNull());  // NOLINT(bugprone-use-after-move): what it promises
  }
  EXPECT_EQ(storages_alive(), 0);
}

TEST(RawMessage, a_reader_may_be_opened_again) {
  RawReader reader;
  for (const char* const text : {"first", "second"}) {
    RawBuilder message;
    message.root().initAs<Small>().setText(text);
    ASSERT_EQ(reader.open(deliver(message)), Status());
    EXPECT_EQ(storages_alive(), 1);
    EXPECT_EQ(reader.root().getAs<Small>().getText(), text);
  }
}

TEST(RawMessage, a_moved_reader_keeps_segments_and_descriptors) {
  const NoLeak no_leak;
  const std::string text(5000, 'x');
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  parcel.setFile(attach(memfd()));
  parcel.setName(text.c_str());
  ASSERT_GT(message.segments().size(), 1U);
  support::WireMessage arriving = deliver(message);
  arriving.attachments.slots = {0};
  arriving.attachments.descriptors.push_back(memfd());

  RawReader first;
  ASSERT_EQ(first.open(std::move(arriving)), Status());
  RawReader second(std::move(first));
  RawReader third;
  third = std::move(second);
  EXPECT_EQ(third.root().getAs<Parcel>().getName(), text.c_str());
  EXPECT_TRUE(take(third.root().getAs<Parcel>().getFile()).ok());
}

TEST(RawMessage, the_largest_message_can_be_read_a_few_times_over) {
  const std::size_t size = std::size_t{1} << 20;
  RawBuilder message;
  message.root().initAs<Parcel>().initData(size);
  RawReader reader;
  ASSERT_EQ(reader.open(deliver(message)), Status());
  for (std::size_t i = 0; i + 1 < limits::kTraversals; ++i) {
    EXPECT_EQ(reader.root().getAs<Parcel>().getData().size(), size);
  }
}

TEST(RawMessage, null_descriptors_are_read_before_any_table_was_made) {
  RawBuilder message;
  message.root().initAs<Parcel>();
  RawReader reader;
  ASSERT_EQ(reader.open(deliver(message)), Status());
  EXPECT_EQ(fd_of(reader.root().getAs<Parcel>().getFile()), -1);
}

}  // namespace
}  // namespace ferry::testing
