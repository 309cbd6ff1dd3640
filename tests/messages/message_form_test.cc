// MessageBuilder and MessageReader as users and generated code use them.
#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include <ferry/message.h>

#include "tests/messages/helpers.h"
#include "tests/messages/walk_parcel.h"

namespace ferry::testing {
namespace {

using support::RawBuilder;
using support::RawReader;

static_assert(std::move_constructible<MessageReader<Small>>);
static_assert(std::is_nothrow_move_constructible_v<MessageReader<Small>>);
static_assert(!std::copy_constructible<MessageReader<Small>>);
static_assert(!std::move_constructible<MessageBuilder<Small>>);

// What generated code does around a handler in message form.
Status upper(MessageReader<Small> in, MessageBuilder<Small>& out) {
  std::string text(in->getText().cStr());
  for (char& c : text) c = static_cast<char>(std::toupper(c));
  out->setText(text.c_str());
  (*out).setNumber(in.root().getNumber() + 1);
  return {};
}

Status dispatch(RawReader& request, RawBuilder& reply) {
  MessageReader<Small> in(request);
  if (Status status = in.bind(); !status.ok()) return status;
  MessageBuilder<Small> out(reply);
  return upper(std::move(in), out);
}

// And a stub: a reply by value, which owns what it needs.
Result<MessageReader<Small>> call(MessageBuilder<Small>& request) {
  RawReader server_in;
  if (Status status = server_in.open(deliver(request.raw())); !status.ok()) return status;
  RawBuilder server_out;
  if (Status status = dispatch(server_in, server_out); !status.ok()) return status;
  MessageReader<Small> reply;
  if (Status status = reply.raw().open(deliver(server_out)); !status.ok()) return status;
  if (Status status = reply.bind(); !status.ok()) return status;
  return reply;
}

TEST(MessageForm, a_call_in_message_form_has_its_reply_by_value) {
  {
    MessageBuilder<Small> request;
    request->setText("hello");
    request->setNumber(41);
    auto reply = call(request);
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ((*reply)->getText(), "HELLO");
    EXPECT_EQ((**reply).getNumber(), 42U);
    EXPECT_EQ(storages_alive(), 1) << "the reply owns its memory, the request's is gone";
  }
  EXPECT_EQ(storages_alive(), 0);
}

TEST(MessageForm, texts_stay_where_they_are_when_a_reply_is_moved) {
  MessageBuilder<Small> request;
  request->setText("hello");
  auto reply = call(request);
  ASSERT_TRUE(reply.ok());
  const capnp::Text::Reader text = (*reply)->getText();
  MessageReader<Small> moved = std::move(*reply);
  EXPECT_EQ(text, "HELLO");
  EXPECT_EQ(moved->getText(), "HELLO");
  EXPECT_EQ((*reply)->getText(), "");  // NOLINT(bugprone-use-after-move): defaults, not a crash
}

TEST(MessageForm, an_empty_reader_reads_defaults) {
  MessageReader<Small> reader;
  EXPECT_EQ(reader->getNumber(), 0U);
  EXPECT_EQ(reader.bind(), Status());
  EXPECT_EQ(reader->getText(), "");
}

TEST(MessageForm, copy_takes_descriptors_along) {
  const NoLeak no_leak;
  MessageBuilder<Parcel> from;
  from->setFile(attach(memfd()));
  from->setName("parcel");
  MessageBuilder<Parcel> to;
  to->setName("overwritten");
  ASSERT_EQ(to.copy(from.root().asReader()), Status());
  EXPECT_EQ(to->getName(), "parcel");
  EXPECT_EQ(collect(to.raw()), Status());
  EXPECT_EQ(to.raw().attachments().descriptors.size(), 1U);
  EXPECT_EQ(collect(from.raw()).code(), StatusCode::kFailedPrecondition);
}

TEST(MessageForm, copy_of_a_broken_message_is_a_status) {
  // A Small whose text points far behind the message.
  RawReader broken;
  ASSERT_EQ(broken.open(wire({std::uint64_t{2} << 48 | std::uint64_t{1} << 32, 0,
                              std::uint64_t{2} << 32 | std::uint64_t{9} << 35 | 1 | 400, 0})),
            Status());
  MessageBuilder<Small> to;
  to->setText("before");
  EXPECT_EQ(to.copy(broken.root().getAs<Small>()).code(), StatusCode::kInvalidArgument);
  to->setText("after");
  EXPECT_EQ(to->getText(), "after");
}

}  // namespace
}  // namespace ferry::testing
