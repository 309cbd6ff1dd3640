// What a hostile peer may send: every reading ends in a Status or a caught exception, never
// outside.
#include <cstring>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <ferry/limits.h>
#include <ferry/message.h>

#include "tests/messages/helpers.h"
#include "tests/messages/walk_parcel.h"

namespace ferry::testing {
namespace {

using support::RawBuilder;
using support::RawReader;
using support::WireMessage;

using Words = std::vector<std::uint64_t>;

std::uint64_t table(std::uint32_t first, std::uint32_t second) {
  return std::uint64_t{second} << 32 | first;
}

TEST(HostileMessage, segment_tables_that_lie_are_refused) {
  struct Case {
    Words words;
    std::uint32_t segments;
  };
  const Case cases[] = {
      {{0}, 0},                                   // no segment
      {{}, 2},                                    // no room for the table
      {{table(1, 1)}, 3},                         // half the table
      {{table(1, 1), 0}, 2},                      // second segment behind the end
      {{table(1, 1), 0, 0, 0}, 2},                // a word left over
      {{table(0xffff'ffff, 1), 0, 0}, 2},         // 32 GiB
      {{table(1, 0xffff'ffff), 0, 0}, 2},         //
      {{table(0xffff'ffff, 0xffff'ffff), 0}, 2},  // sums that wrap
      {Words(4096), limits::kSegments + 1},       // more than Cap'n Proto takes
      {Words(4096), 0xffff'ffff},                 //
  };
  for (const Case& one : cases) {
    RawReader reader;
    const Status status = reader.open(wire(one.words, one.segments));
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << one.segments;
    EXPECT_EQ(status.message().rfind("the message's segment table lies: ", 0), 0U) << status;
    EXPECT_TRUE(reader.root().isNull());
  }
  EXPECT_EQ(storages_alive(), 0);
}

TEST(HostileMessage, bytes_that_are_not_whole_or_aligned_words_are_refused) {
  const Words words(4);
  const auto bytes = std::as_bytes(std::span(words));
  for (const auto part : {bytes.first(9), bytes.subspan(1, 8), bytes.subspan(4, 8)}) {
    RawReader reader;
    WireMessage message;
    message.body = part;
    EXPECT_EQ(reader.open(std::move(message)).code(), StatusCode::kInvalidArgument);
  }
}

// A struct pointer: where, from the word behind it, and how large.
std::uint64_t struct_pointer(std::int32_t offset, std::uint16_t data, std::uint16_t pointers) {
  return std::uint64_t{pointers} << 48 | std::uint64_t{data} << 32 |
         static_cast<std::uint32_t>(offset) << 2;
}

Status bind(Words words) {
  MessageReader<Node> reader;
  if (Status status = reader.raw().open(wire(std::move(words))); !status.ok()) return status;
  return reader.bind();
}

TEST(HostileMessage, a_root_that_cannot_be_is_a_status) {
  EXPECT_EQ(bind({}).code(), StatusCode::kInvalidArgument);                          // no root
  EXPECT_EQ(bind({struct_pointer(5, 1, 1)}).code(), StatusCode::kInvalidArgument);   // past the end
  EXPECT_EQ(bind({struct_pointer(-9, 1, 1)}).code(), StatusCode::kInvalidArgument);  // before it
  EXPECT_EQ(bind({0x0000'0000'0000'0001}).code(), StatusCode::kInvalidArgument);     // a list
  EXPECT_EQ(bind({0x0000'0007'0000'0002}).code(), StatusCode::kInvalidArgument);  // far, no segment
  EXPECT_EQ(bind({0}), Status());  // null is the default
}

// `walk` throws kj::Exception and nothing else.
template <typename Walk>
void expect_exception(Walk walk) {
  EXPECT_THROW(walk(), kj::Exception);
}

TEST(HostileMessage, a_circle_of_pointers_ends_at_the_nesting_limit) {
  // A Node whose `next` is itself.
  RawReader reader;
  ASSERT_EQ(reader.open(wire({struct_pointer(0, 1, 1), 0, struct_pointer(-2, 1, 1)})), Status());
  expect_exception([&] {
    Node::Reader node = reader.root().getAs<Node>();
    for (int i = 0; i <= limits::kNesting; ++i) node = node.getNext();
  });
}

TEST(HostileMessage, a_list_of_half_a_billion_nothings_ends_at_the_traversal_limit) {
  // List(AnyStruct) of 2^29-1 elements without content, in two words and a tag.
  const std::uint64_t composite = std::uint64_t{7} << 32 | 1;
  const std::uint64_t tag = std::uint64_t{0x1fff'ffff} << 2;
  RawReader reader;
  ASSERT_EQ(reader.open(wire({composite, tag})), Status());
  expect_exception([&] { static_cast<void>(reader.root().getAs<capnp::List<Entry>>()); });
}

TEST(HostileMessage, an_untyped_walk_of_pointers_that_overlap_ends_in_a_status) {
  // A list of pointers that all point to the list itself.
  constexpr unsigned kCount = 200;
  Words words = {std::uint64_t{kCount} << 35 | std::uint64_t{6} << 32 | 1};
  for (unsigned i = 0; i < kCount; ++i) {
    const auto back = static_cast<std::uint32_t>(-static_cast<std::int32_t>(i) - 1) << 2;
    words.push_back((words[0] & ~std::uint64_t{0xffff'ffff}) | back | 1);
  }
  RawReader reader;
  ASSERT_EQ(reader.open(wire(words)), Status());
  support::DescriptorChecker checker(reader);
  const support::Place at("any");
  EXPECT_EQ(checker.visit_untyped(reader.root(), support::kAnyFd, at).code(),
            StatusCode::kInvalidArgument);
}

// Every bit of a whole parcel flipped, and random words in it: the walk ends in a Status.
TEST(HostileMessage, no_corruption_escapes_the_walk) {
  const NoLeak no_leak;
  RawBuilder message;
  auto parcel = message.root().initAs<Parcel>();
  parcel.setFile(attach(event()));
  parcel.initRows(1).init(0, 1).set(0, attach(memfd()));
  parcel.initEntries(1)[0].setFile(attach(read_only_file()));
  parcel.getAnything().initAs<Entry>().setName("any");
  parcel.initLeft().setFile(attach(event()));
  const UniqueFd original = event();
  const auto segment = message.segments()[0];
  Words words(segment.size() / 8);
  std::memcpy(words.data(), segment.data(), segment.size());

  int refused = 0;
  const auto receive = [&](Words changed) {
    WireMessage arriving = wire(std::move(changed));
    for (std::uint16_t slot = 0; slot < 4; ++slot) {
      arriving.attachments.slots.push_back(slot);
      arriving.attachments.descriptors.push_back(duplicate(original));
    }
    RawReader reader;
    ASSERT_EQ(reader.open(std::move(arriving)), Status());
    ASSERT_NO_THROW(refused += check(reader).ok() ? 0 : 1);
  };
  for (std::size_t bit = 0; bit < words.size() * 64; ++bit) {
    Words changed = words;
    changed[bit / 64] ^= std::uint64_t{1} << (bit % 64);
    receive(std::move(changed));
  }
  std::mt19937_64 random(1);  // the same each time
  for (int i = 0; i < 5000; ++i) {
    Words changed = words;
    for (int j = 0; j < 3; ++j) changed[random() % changed.size()] = random();
    receive(std::move(changed));
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace ferry::testing
