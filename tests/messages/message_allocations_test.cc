// Small messages without descriptors allocate nothing, on both sides.
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <ferry/message.h>

#include "tests/messages/helpers.h"
#include "tests/messages/walk_parcel.h"

// Standing in for glibc's functions, as malloc(3) ("replacing malloc") allows: operator new and
// capnp's calloc() both end here.
extern "C" void* __libc_malloc(std::size_t size);                 // NOLINT: glibc's name
extern "C" void* __libc_calloc(std::size_t n, std::size_t size);  // NOLINT

namespace {
thread_local std::size_t allocations = 0;
}  // namespace

extern "C" void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
extern "C" void* calloc(std::size_t n, std::size_t size) {
  ++allocations;
  return __libc_calloc(n, size);
}

namespace ferry::testing {
namespace {

using support::RawBuilder;
using support::RawReader;

// A received message in memory of the caller, as a server's input buffer lends it.
support::WireMessage lent(support::Bytes bytes) {
  support::WireMessage message;
  message.body = bytes;
  return message;
}

TEST(MessageAllocations, the_counter_counts) {
  const std::size_t before = allocations;
  auto* const some = new std::string(100, 'x');
  delete some;
  EXPECT_EQ(allocations - before, 2U);
  void* const zeroes = std::calloc(1, 100);
  std::free(zeroes);
  EXPECT_EQ(allocations - before, 3U);
}

TEST(MessageAllocations, a_small_message_is_built_and_read_without_any) {
  std::size_t count = 1;
  for (int round = 0; round < 3; ++round) {  // the first may set things up once
    const std::size_t before = allocations;
    RawBuilder request;
    auto built = request.root().initAs<Small>();
    built.setText("a text of some length, as a path would have");
    built.setOther("and another");
    built.setNumber(7);
    const auto segments = request.segments();

    RawReader reader;
    const Status opened = reader.open(lent(segments[0]));
    const auto small = reader.root().getAs<Small>();
    const std::size_t read = small.getText().size() + small.getOther().size();
    RawReader moved(std::move(reader));
    count = allocations - before;
    ASSERT_EQ(opened, Status());
    ASSERT_EQ(read, 54U);
  }
  EXPECT_EQ(count, 0U);
}

TEST(MessageAllocations, message_form_adds_none) {
  std::size_t count = 1;
  for (int round = 0; round < 3; ++round) {
    const std::size_t before = allocations;
    MessageBuilder<Small> request;
    request->setText("a text of some length, as a path would have");
    MessageReader<Small> reader;
    const Status opened = reader.raw().open(lent(request.raw().segments()[0]));
    const Status bound = reader.bind();
    Result<MessageReader<Small>> reply(std::move(reader));
    const std::size_t read = (*reply)->getText().size();
    count = allocations - before;
    ASSERT_EQ(opened, Status());
    ASSERT_EQ(bound, Status());
    ASSERT_EQ(read, 43U);
  }
  EXPECT_EQ(count, 0U);
}

TEST(MessageAllocations, a_walk_that_finds_no_descriptor_adds_none) {
  std::size_t count = 1;
  for (int round = 0; round < 3; ++round) {
    RawBuilder message;
    message.root().initAs<Parcel>().setName("parcel");
    RawReader reader;
    ASSERT_EQ(reader.open(lent(message.segments()[0])), Status());
    const std::size_t before = allocations;
    const bool sent = collect(message).ok();
    const bool received = check(reader).ok();
    count = allocations - before;
    ASSERT_TRUE(sent && received);
  }
  EXPECT_EQ(count, 0U);
}

}  // namespace
}  // namespace ferry::testing
