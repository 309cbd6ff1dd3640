// What a peer that breaks the protocol gets: the end of its connection, and a reason.
#include <gtest/gtest.h>

#include "tests/protocol/staged.h"

namespace ferry::protocol::testing {
namespace {

struct Violation {
  std::string name;
  std::function<RawFrame(const Staged&)> frame;
  StatusCode code;
  std::string reason;  // part of the message
};

RawFrame with(RawFrame frame, const std::function<void(RawFrame&)>& change) {
  change(frame);
  return frame;
}

void set_call_field(RawFrame& frame, std::size_t offset, std::uint32_t value) {
  store(frame.rest.data(), offset, value);
}

std::vector<Violation> broken_form() {
  using Code = StatusCode;
  const auto call = [](const std::function<void(RawFrame&)>& change) {
    return [change](const Staged&) { return with(raw_call(Staged::kFree, words(2)), change); };
  };
  const auto bare = [](FrameType type, const std::function<void(RawFrame&)>& change) {
    return [type, change](const Staged&) { return with(raw_bare(type), change); };
  };
  const auto credit = FrameType::kCredit;
  return {
      {"size not whole words", call([](auto& f) { f.header.size = 73; }), Code::kDataLoss,
       "multiple of 8"},
      {"size below a header", call([](auto& f) { f.header.size = 16; }), Code::kDataLoss,
       "at least 24"},
      {"size over the limit", call([](auto& f) { f.header.size = 0xfffffff8; }), Code::kDataLoss,
       "at most 73728"},
      {"call without its fields", call([](auto& f) { f.rest.resize(24); }), Code::kDataLoss,
       "at least 56"},
      {"reply without its fields", bare(FrameType::kReply, [](auto&) {}), Code::kDataLoss,
       "at least 32"},
      {"unknown flag", call([](auto& f) { f.header.flags = 2; }), Code::kInvalidArgument, "flags"},
      {"flag of another type", call([](auto& f) { f.header.flags = kOfReply; }),
       Code::kInvalidArgument, "flags"},
      {"reserved byte", call([](auto& f) { f.header.reserved = 1; }), Code::kInvalidArgument,
       "reserved"},
      {"unknown type that must be understood",
       bare(static_cast<FrameType>(9), [](auto& f) { f.header.flags = kMustUnderstand; }),
       Code::kUnimplemented, "newer version"},
      {"type 0 that must be understood",
       bare(static_cast<FrameType>(0), [](auto& f) { f.header.flags = kMustUnderstand; }),
       Code::kUnimplemented, "newer version"},
      {"unknown type with descriptors",
       bare(static_cast<FrameType>(9), [](auto& f) { f.header.attachments = 1; }),
       Code::kInvalidArgument, "nobody knows"},
      {"descriptors beside a credit", bare(credit, [](auto& f) { f.header.attachments = 1; }),
       Code::kInvalidArgument, "only calls and replies"},
      {"credit with a body", bare(credit, [](auto& f) { f.rest.resize(8); }), Code::kDataLoss,
       "24 bytes"},
      {"credit of a call", bare(credit, [](auto& f) { f.header.call_id = 1; }),
       Code::kInvalidArgument, "no call"},
      {"credit with a code", bare(credit, [](auto& f) { f.header.code_or_method = 1; }),
       Code::kInvalidArgument, "no code"},
      {"too many descriptors", call([](auto& f) { f.header.attachments = 254; }),
       Code::kInvalidArgument, "limit of 253"},
      {"slots that don't fit", call([](auto& f) { f.header.attachments = 253; }), Code::kDataLoss,
       "do not fit"},
      {"metadata over the limit",
       call([](auto& f) { set_call_field(f, offsetof(CallFields, metadata_bytes), 4104); }),
       Code::kInvalidArgument, "metadata"},
      {"metadata not whole words",
       call([](auto& f) { set_call_field(f, offsetof(CallFields, metadata_bytes), 7); }),
       Code::kInvalidArgument, "metadata"},
      {"metadata that doesn't fit",
       call([](auto& f) { set_call_field(f, offsetof(CallFields, metadata_bytes), 24); }),
       Code::kDataLoss, "do not fit"},
      {"no segment",
       call([](auto& f) { set_call_field(f, offsetof(CallFields, segment_count), 0); }),
       Code::kInvalidArgument, "segments"},
      {"512 segments",
       call([](auto& f) { set_call_field(f, offsetof(CallFields, segment_count), 512); }),
       Code::kInvalidArgument, "512 segments"},
      {"segment table that doesn't fit",
       call([](auto& f) { set_call_field(f, offsetof(CallFields, segment_count), 511); }),
       Code::kDataLoss, "511 segments"},
      {"segments that lie",
       call([](auto& f) { set_call_field(f, offsetof(CallFields, segment_count), 2); }),
       Code::kDataLoss, "segments and table"},
      {"message not whole words", call([](auto& f) { f.header.message_bytes = 17; }),
       Code::kInvalidArgument, "whole words"},
      {"more bytes than the message", call([](auto& f) { f.header.message_bytes = 8; }),
       Code::kDataLoss, "more bytes than its message"},
      {"more than a chunk in a call", call([](auto& f) {
         f.rest.resize(f.rest.size() + 65'536 - 8);
         f.header.message_bytes = 100'000;
       }),
       Code::kDataLoss, "more than a chunk"},
  };
}

std::vector<Violation> broken_parts() {
  using Code = StatusCode;
  const auto slots = [](std::vector<std::uint16_t> listed) {
    return [listed](const Staged&) { return raw_call(Staged::kFree, words(1), 1, listed); };
  };
  return {
      {"slots that don't increase", slots({3, 2}), Code::kInvalidArgument, "do not increase"},
      {"a slot twice", slots({3, 3}), Code::kInvalidArgument, "do not increase"},
      {"slot over the limit", slots({4096}), Code::kInvalidArgument, "slot 4096"},
      {"padding of slots",
       [](const Staged&) {
         return with(raw_call(Staged::kFree, words(1), 1, {3}),
                     [](auto& f) { f.rest[sizeof(CallFields) + 2] = std::byte{1}; });
       },
       Code::kInvalidArgument, "padding of its attachment slots"},
      {"text over the limit",
       [](const Staged& s) { return raw_reply_text(s.sent, 5, std::string(4097, 'x')); },
       Code::kInvalidArgument, "text of 4097"},
      {"text that lies",
       [](const Staged& s) {
         return with(raw_reply_text(s.sent, 5, "abc"), [](auto& f) { f.header.message_bytes = 9; });
       },
       Code::kDataLoss, "does not fill"},
      {"padding of a text",
       [](const Staged& s) {
         return with(raw_reply_text(s.sent, 5, "abc"),
                     [](auto& f) { f.rest.back() = std::byte{1}; });
       },
       Code::kInvalidArgument, "padding of its text"},
      {"status with segments",
       [](const Staged& s) {
         return with(raw_reply(s.sent, words(1)), [](auto& f) { f.header.code_or_method = 3; });
       },
       Code::kInvalidArgument, "not OK"},
      {"status with descriptors",
       [](const Staged& s) {
         return with(raw_reply(s.sent, {}, 0, {1}), [](auto& f) { f.header.code_or_method = 3; });
       },
       Code::kInvalidArgument, "not OK"},
      {"empty chunk", [](const Staged&) { return raw_chunk(Staged::kArriving, false, 8192, {}); },
       Code::kDataLoss, "empty"},
      {"chunk over a chunk",
       [](const Staged&) { return raw_chunk(Staged::kArriving, false, 8192, words(8193)); },
       Code::kDataLoss, "more than a chunk"},
      {"chunk offset not whole words",
       [](const Staged&) { return raw_chunk(Staged::kArriving, false, 8191, words(1)); },
       Code::kInvalidArgument, "offset"},
      {"chunk with a code",
       [](const Staged&) {
         return with(raw_chunk(Staged::kArriving, false, 8192, words(1)),
                     [](auto& f) { f.header.code_or_method = 1; });
       },
       Code::kInvalidArgument, "code"},
      {"cancel with a body",
       [](const Staged&) {
         return with(raw_bare(FrameType::kCancel, 1), [](auto& f) { f.rest.resize(8); });
       },
       Code::kDataLoss, "24 bytes"},
      {"cancel with a code",
       [](const Staged&) {
         return with(raw_bare(FrameType::kCancel, 1), [](auto& f) { f.header.code_or_method = 1; });
       },
       Code::kInvalidArgument, "code"},
      {"reply cut off without a code",
       [](const Staged& s) { return raw_bare(FrameType::kCancel, s.answered_in_part, kOfReply); },
       Code::kInvalidArgument, "code"},
      {"cancel with a message",
       [](const Staged&) {
         return with(raw_bare(FrameType::kCancel, 1), [](auto& f) { f.header.message_bytes = 8; });
       },
       Code::kInvalidArgument, "no message"},
      {"go away of a call",
       [](const Staged&) {
         return with(raw_go_away(14, "x"), [](auto& f) { f.header.call_id = 1; });
       },
       Code::kInvalidArgument, "no call"},
  };
}

std::vector<Violation> broken_state() {
  using Code = StatusCode;
  return {
      {"call in a slot in use",
       [](const Staged&) { return raw_call(Staged::kDelivered, words(1)); }, Code::kInvalidArgument,
       "not ended"},
      {"newer call in a slot in use",
       [](const Staged&) { return raw_call(Staged::kDelivered + 0x10000, words(1)); },
       Code::kInvalidArgument, "not ended"},
      {"call far over the limit", [](const Staged&) { return raw_call(0x1ffff, words(1)); },
       Code::kResourceExhausted, "4096 calls in flight"},
      {"message over the limit",
       [](const Staged&) {
         return with(raw_call(Staged::kFree, words(1)),
                     [](auto& f) { f.header.message_bytes = (64 << 20) + 8; });
       },
       Code::kResourceExhausted, "67108872"},
      {"reply to no call", [](const Staged&) { return raw_reply(0x12345, words(1)); },
       Code::kInvalidArgument, "not in flight"},
      {"reply to an older call of the slot",
       [](const Staged& s) { return raw_reply(s.sent - 0x10000, words(1)); },
       Code::kInvalidArgument, "not in flight"},
      {"reply to a call that was not sent",
       [](const Staged& s) { return raw_reply(s.waiting, words(1)); }, Code::kInvalidArgument,
       "before it was sent"},
      {"second reply", [](const Staged& s) { return raw_reply(s.answered_in_part, words(1)); },
       Code::kInvalidArgument, "twice"},
      {"chunk of no call", [](const Staged&) { return raw_chunk(0x12345, false, 0, words(1)); },
       Code::kInvalidArgument, "not arriving"},
      {"chunk of a whole call",
       [](const Staged&) { return raw_chunk(Staged::kDelivered, false, 8, words(1)); },
       Code::kInvalidArgument, "not arriving"},
      {"chunk of no reply", [](const Staged& s) { return raw_chunk(s.sent, true, 0, words(1)); },
       Code::kInvalidArgument, "no reply is arriving"},
      {"chunk at a wrong place",
       [](const Staged&) { return raw_chunk(Staged::kArriving, false, 8184, words(1)); },
       Code::kDataLoss, "byte 8184"},
      {"chunk that overflows its message",
       [](const Staged&) { return raw_chunk(Staged::kArriving, false, 8192, words(1025)); },
       Code::kDataLoss, "16384"},
      {"chunk that overflows its reply",
       [](const Staged& s) { return raw_chunk(s.answered_in_part, true, 8192, words(1025)); },
       Code::kDataLoss, "16384"},
      {"no reply to cut off",
       [](const Staged& s) {
         return with(raw_bare(FrameType::kCancel, s.sent, kOfReply),
                     [](auto& f) { f.header.code_or_method = 1; });
       },
       Code::kInvalidArgument, "no reply is arriving"},
      {"more credit than was owed",
       [](const Staged&) {
         return with(raw_bare(FrameType::kCredit), [](auto& f) { f.header.credit = 217; });
       },
       Code::kInvalidArgument, "more credit"},
      {"more descriptor credit than was owed",
       [](const Staged&) {
         return with(raw_bare(FrameType::kPing), [](auto& f) { f.header.descriptor_credit = 1; });
       },
       Code::kInvalidArgument, "more credit"},
      {"pong without a ping", [](const Staged&) { return raw_bare(FrameType::kPong, 2); },
       Code::kInvalidArgument, "not sent"},
  };
}

TEST(Violations, EachEndsTheConnectionWithItsReasonAndForGood) {
  const std::size_t before = open_descriptors();
  std::size_t count = 0;
  for (const auto& list : {broken_form(), broken_parts(), broken_state()}) {
    for (const Violation& violation : list) {
      Staged staged;
      EXPECT_FALSE(staged.take(violation.frame(staged).bytes())) << violation.name;
      EXPECT_EQ(staged.failure().code(), violation.code)
          << violation.name << ": " << staged.failure();
      EXPECT_NE(staged.failure().message().find(violation.reason), std::string::npos)
          << violation.name << ": " << staged.failure();
      EXPECT_EQ(staged.events(), 0U) << violation.name;
      const Status first = staged.failure();
      EXPECT_FALSE(staged.take(raw_bare(FrameType::kPing, 1).bytes())) << violation.name;
      EXPECT_EQ(staged.failure(), first) << violation.name;
      EXPECT_EQ(staged.session.start_call({}, {}).status().code(), StatusCode::kUnavailable);
      ++count;
    }
  }
  EXPECT_EQ(count, 63U);
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace ferry::protocol::testing
