#include "tests/protocol/endpoint.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <iterator>

#include <gtest/gtest.h>

namespace ferry::protocol::testing {

std::size_t Endpoint::send(std::size_t bytes) {
  std::size_t moved = 0;
  Output output;
  while (moved < bytes && session.has_output() && session.output(output)) {
    most_buffers = std::max(most_buffers, output.bytes.size());
    std::size_t now = 0;
    for (const iovec& piece : output.bytes) {
      const std::size_t take = std::min(piece.iov_len, bytes - moved - now);
      const auto* data = static_cast<const std::byte*>(piece.iov_base);
      out_.bytes.insert(out_.bytes.end(), data, data + take);
      now += take;
    }
    if (!output.descriptors.empty()) {
      std::vector<UniqueFd> copies;
      for (const int fd : output.descriptors) copies.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
      out_.descriptors.push_back(std::move(copies));
    }
    session.written(now);
    moved += now;
  }
  return moved;
}

bool Endpoint::receive(std::vector<OwnedEvent>& events, std::size_t bytes) {
  const std::size_t taken = std::min(bytes, in_.bytes.size());
  input_.resize((held_ + taken + 7) / 8);
  if (taken > 0) {
    std::memcpy(reinterpret_cast<std::byte*>(input_.data()) + held_, in_.bytes.data(), taken);
    in_.bytes.erase(in_.bytes.begin(), in_.bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  held_ += taken;
  Bytes input = std::as_bytes(std::span(input_)).first(held_);
  const DescriptorSource source = [this](std::size_t count, std::vector<UniqueFd>& into) {
    if (in_.descriptors.empty() || in_.descriptors.front().size() != count) {
      return Status::invalid_argument("no " + std::to_string(count) + " descriptors came");
    }
    std::move(in_.descriptors.front().begin(), in_.descriptors.front().end(),
              std::back_inserter(into));
    in_.descriptors.pop_front();
    return Status();
  };
  for (;;) {
    OwnedEvent owned;
    const Result<bool> made = session.next(input, TimePoint(), source, owned.event);
    if (!made) {
      failure = made.status();
      return false;
    }
    if (!*made) break;
    if (!owned.event.message.storage) {
      owned.body.resize(owned.event.message.body.size() / 8);
      if (!owned.body.empty()) {
        std::memcpy(owned.body.data(), owned.event.message.body.data(),
                    owned.event.message.body.size());
      }
    }
    events.push_back(std::move(owned));
  }
  // The rest goes to the front, where it is aligned.
  const std::size_t used = held_ - input.size();
  held_ -= used;
  if (used > 0)
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(used / 8));
  return true;
}

OwnedEvent Endpoint::receive_one() {
  std::vector<OwnedEvent> events;
  EXPECT_TRUE(receive(events)) << failure;
  EXPECT_EQ(events.size(), 1U);
  return events.empty() ? OwnedEvent{} : std::move(events.front());
}

void Pair::run(std::vector<OwnedEvent>& at_a, std::vector<OwnedEvent>& at_b) {
  for (;;) {
    const std::size_t moved = a.send() + b.send();
    ASSERT_TRUE(b.receive(at_b)) << b.failure;
    ASSERT_TRUE(a.receive(at_a)) << a.failure;
    if (moved == 0) return;
  }
}

std::vector<std::uint64_t> words(std::size_t count, std::uint64_t seed) {
  std::vector<std::uint64_t> made(count);
  for (std::size_t i = 0; i < count; ++i) made[i] = seed * 0x9e3779b97f4a7c15 + i;
  return made;
}

Bytes bytes_of(const std::vector<std::uint64_t>& words) { return std::as_bytes(std::span(words)); }

OutgoingMessage message_of(const Bytes& segment) {
  OutgoingMessage message;
  message.segments = {&segment, 1};
  return message;
}

OutgoingMessage message_with_descriptors(const Bytes& segment, std::size_t count) {
  OutgoingMessage message = message_of(segment);
  for (std::size_t i = 0; i < count; ++i) {
    message.attachments.slots.push_back(static_cast<std::uint16_t>(2 * i));
    message.attachments.descriptors.push_back(some_descriptor());
  }
  return message;
}

UniqueFd some_descriptor() {
  UniqueFd fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_TRUE(fd.valid());
  return fd;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

std::vector<std::byte> RawFrame::bytes() const {
  FrameHeader sized = header;
  if (sized.size == 0) sized.size = static_cast<std::uint32_t>(sizeof sized + rest.size());
  std::vector<std::byte> all(sizeof sized + rest.size());
  encode(sized, all.data());
  std::copy(rest.begin(), rest.end(), all.begin() + sizeof sized);
  return all;
}

namespace {

void append(std::vector<std::byte>& to, Bytes bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void append_slots_and_message(RawFrame& frame, const std::vector<std::uint64_t>& message,
                              const std::vector<std::uint16_t>& slots) {
  frame.header.attachments = static_cast<std::uint16_t>(slots.size());
  frame.header.message_bytes = static_cast<std::uint32_t>(8 * message.size());
  std::vector<std::byte> table(padded(2 * slots.size()));
  if (!table.empty()) encode_slots(slots, table.data());
  append(frame.rest, table);
  append(frame.rest, bytes_of(message));
}

void append_text(RawFrame& frame, std::string_view text) {
  frame.header.message_bytes = static_cast<std::uint32_t>(text.size());
  append(frame.rest, std::as_bytes(std::span(text)));
  frame.rest.resize(padded(frame.rest.size()));
}

}  // namespace

RawFrame raw_call(std::uint32_t id, const std::vector<std::uint64_t>& message,
                  std::uint32_t segments, const std::vector<std::uint16_t>& slots) {
  RawFrame frame = raw_bare(FrameType::kCall, id);
  CallFields fields;
  fields.interface_id = 0x1122334455667788;
  fields.time_left_ns = 1'000'000;
  fields.instance = 3;
  fields.segment_count = segments;
  frame.header.code_or_method = 7;
  frame.rest.resize(sizeof fields);
  encode(fields, frame.rest.data());
  append_slots_and_message(frame, message, slots);
  return frame;
}

RawFrame raw_reply(std::uint32_t id, const std::vector<std::uint64_t>& message,
                   std::uint32_t segments, const std::vector<std::uint16_t>& slots) {
  RawFrame frame = raw_bare(FrameType::kReply, id);
  frame.rest.resize(sizeof(ReplyFields));
  encode(ReplyFields{.segment_count = segments}, frame.rest.data());
  append_slots_and_message(frame, message, slots);
  return frame;
}

RawFrame raw_reply_text(std::uint32_t id, std::uint16_t code, std::string_view text) {
  RawFrame frame = raw_bare(FrameType::kReply, id);
  frame.header.code_or_method = code;
  frame.rest.resize(sizeof(ReplyFields));
  append_text(frame, text);
  return frame;
}

RawFrame raw_chunk(std::uint32_t id, bool of_reply, std::uint32_t offset,
                   const std::vector<std::uint64_t>& part) {
  RawFrame frame = raw_bare(FrameType::kChunk, id, of_reply ? kOfReply : std::uint8_t{0});
  frame.header.message_bytes = offset;
  append(frame.rest, bytes_of(part));
  return frame;
}

RawFrame raw_bare(FrameType type, std::uint32_t id, std::uint8_t flags) {
  RawFrame frame;
  frame.header.type = static_cast<std::uint8_t>(type);
  frame.header.flags = flags;
  frame.header.call_id = id;
  return frame;
}

RawFrame raw_go_away(std::uint16_t code, std::string_view text) {
  RawFrame frame = raw_bare(FrameType::kGoAway);
  frame.header.code_or_method = code;
  append_text(frame, text);
  return frame;
}

}  // namespace ferry::protocol::testing
