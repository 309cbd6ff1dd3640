#include "tests/protocol/staged.h"

#include <gtest/gtest.h>

namespace ferry::protocol::testing {

namespace {

constexpr std::size_t kPart = 1024;  // words

Session::Options staged_options() {
  Session::Options options;
  options.peer_window_bytes = 256;
  return options;
}

// Three messages of one word fit into 256 bytes; that one is over half of it then.
CallId start(Session& session, const std::vector<std::uint64_t>& data) {
  const Bytes segment = bytes_of(data);
  const auto id = session.start_call({}, message_of(segment));
  EXPECT_TRUE(id) << id.status();
  return id ? *id : 0;
}

RawFrame first_part(RawFrame frame) {
  frame.header.message_bytes = 16 * kPart;
  return frame;
}

}  // namespace

Staged::Staged() : session(staged_options()) {
  const auto word = words(1);
  sent = start(session, word);
  cancelled = start(session, word);
  answered_in_part = start(session, word);
  waiting = start(session, words(100));
  session.cancel(cancelled);
  session.ping();
  Output output;
  while (session.output(output)) {
    std::size_t bytes = 0;
    for (const iovec& piece : output.bytes) bytes += piece.iov_len;
    session.written(bytes);
  }
  for (const RawFrame& frame :
       {raw_call(kDelivered, word), first_part(raw_call(kArriving, words(kPart))),
        first_part(raw_reply(answered_in_part, words(kPart)))}) {
    EXPECT_TRUE(take(frame.bytes())) << failure_;
  }
  EXPECT_EQ(events_, 1U);
  events_ = 0;
}

bool Staged::take(Bytes bytes) {
  input_.resize((held_ + bytes.size() + 7) / 8);
  if (!bytes.empty()) {
    std::memcpy(reinterpret_cast<std::byte*>(input_.data()) + held_, bytes.data(), bytes.size());
  }
  held_ += bytes.size();
  Bytes input = std::as_bytes(std::span(input_)).first(held_);
  const DescriptorSource source = [](std::size_t count, std::vector<UniqueFd>& into) {
    for (std::size_t i = 0; i < count; ++i) into.push_back(some_descriptor());
    return Status();
  };
  Event event;
  for (;;) {
    const auto made = session.next(input, TimePoint(), source, event);
    if (!made) {
      failure_ = made.status();
      return false;
    }
    if (!*made) break;
    ++events_;
  }
  const std::size_t used = held_ - input.size();
  held_ -= used;
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(used / 8));
  return true;
}

std::vector<NamedFrame> valid_frames(const Staged& staged) {
  auto two_segments = words(6);
  two_segments[0] = 2 | (std::uint64_t{3} << 32);
  RawFrame credit = raw_bare(FrameType::kCredit);
  credit.header.credit = 100;
  RawFrame unknown = raw_bare(static_cast<FrameType>(99), 5);
  unknown.rest.resize(40);
  RawFrame cut_off = raw_bare(FrameType::kCancel, staged.answered_in_part, kOfReply);
  cut_off.header.code_or_method = static_cast<std::uint16_t>(StatusCode::kCancelled);
  RawFrame metadata = raw_call(Staged::kFree, words(3));
  store(metadata.rest.data(), offsetof(CallFields, metadata_bytes), std::uint32_t{8});
  metadata.header.message_bytes = 16;
  return {
      {"call", raw_call(Staged::kFree, words(3))},
      {"call without a message", raw_call(Staged::kFree, {})},
      {"call with descriptors", raw_call(Staged::kFree, words(3), 1, {0, 7, 4095})},
      {"call of two segments", raw_call(Staged::kFree, two_segments, 2)},
      {"call with metadata", metadata},
      {"first part of a call", first_part(raw_call(Staged::kFree, words(kPart)))},
      {"reply", raw_reply(staged.sent, words(3))},
      {"reply with descriptors", raw_reply(staged.sent, words(3), 1, {1, 2})},
      {"reply of two segments", raw_reply(staged.sent, two_segments, 2)},
      {"reply with a status", raw_reply_text(staged.sent, 5, "not found")},
      {"reply with a status of a newer version", raw_reply_text(staged.sent, 99, "")},
      {"reply to a cancelled call", raw_reply(staged.cancelled, words(3), 1, {1})},
      {"first part of a reply", first_part(raw_reply(staged.sent, words(kPart)))},
      {"chunk of a call", raw_chunk(Staged::kArriving, false, 8 * kPart, words(kPart))},
      {"part of a chunk of a call", raw_chunk(Staged::kArriving, false, 8 * kPart, words(1))},
      {"chunk of a reply", raw_chunk(staged.answered_in_part, true, 8 * kPart, words(kPart))},
      {"cancel", raw_bare(FrameType::kCancel, Staged::kDelivered)},
      {"cancel of an arriving call", raw_bare(FrameType::kCancel, Staged::kArriving)},
      {"cancel of a call that ended", raw_bare(FrameType::kCancel, 0x70003)},
      {"reply cut off", cut_off},
      {"credit", credit},
      {"go away", raw_go_away(14, "draining")},
      {"ping", raw_bare(FrameType::kPing, 77)},
      {"pong", raw_bare(FrameType::kPong, 1)},
      {"unknown type", unknown},
  };
}

}  // namespace ferry::protocol::testing
