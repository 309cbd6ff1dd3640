// Session::State, the way out: messages, credit, and what waits for it.
#include <algorithm>
#include <limits>
#include <utility>

#include "runtime/protocol/session_state.h"

namespace ferry::protocol {

namespace {

// Copies the message (its segment table, when there are several segments, and the segments) and
// pads it with zeros to whole words.
void write_body(std::span<const Bytes> segments, std::byte* into) {
  if (segments.size() > 1) {
    encode_segment_table(segments, into);
    into += padded(4 * segments.size());
  }
  for (const Bytes& segment : segments) {
    if (segment.empty()) continue;
    std::memcpy(into, segment.data(), segment.size());
    into += segment.size();
    if (const std::size_t rest = segment.size() % 8; rest != 0) std::memset(into, 0, 8 - rest);
  }
}

// The text as far as it may travel, not cut inside of a UTF-8 character.
std::string_view cut_text(std::string_view text) {
  if (text.size() <= limits::kStatusMessageBytes) return text;
  std::size_t end = limits::kStatusMessageBytes;
  for (int back = 0; back < 3 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80; ++back) {
    --end;
  }
  return text.substr(0, end);
}

}  // namespace

Status Session::State::check_outgoing(const OutgoingMessage& message, std::uint64_t bytes) const {
  const auto over = [](std::string_view what, std::uint64_t is, std::uint64_t limit) {
    return Status::resource_exhausted("send a message: " + std::string(what) + " " +
                                      std::to_string(is) + " is over the limit of " +
                                      std::to_string(limit));
  };
  if (bytes > options.peer_message_bytes) {
    return over("its size in bytes, which the peer accepts,", bytes, options.peer_message_bytes);
  }
  if (message.segments.size() > limits::kSegments) {
    return over("its number of segments", message.segments.size(), limits::kSegments);
  }
  const support::Attachments& attachments = message.attachments;
  if (attachments.descriptors.size() > limits::kDescriptors) {
    return over("its number of descriptors", attachments.descriptors.size(), limits::kDescriptors);
  }
  if (attachments.slots.size() != attachments.descriptors.size()) {
    return Status::internal(
        "send a message: its attachment slots and descriptors differ in number");
  }
  const bool waits =
      !may_start(static_cast<std::uint32_t>(kMessageOverhead + bytes), !attachments.empty());
  if (waits && waiting_bytes > 0 && waiting_bytes + bytes > limits::kSendBacklogBytes) {
    return Status::resource_exhausted(
        "send a message of " + std::to_string(bytes) + " bytes: " + std::to_string(waiting_bytes) +
        " bytes already wait for the peer to take what it was sent, and the limit is " +
        std::to_string(limits::kSendBacklogBytes));
  }
  return {};
}

void Session::State::encode_small(const MessageHead& head, std::span<const Bytes> segments,
                                  support::Attachments& attachments) {
  const std::size_t front = head_bytes(head, attachments.slots.size());
  const std::size_t bytes = front + padded(head.header.message_bytes);
  std::byte* frame = attachments.empty() ? queue.append(bytes)
                                         : queue.append(bytes, std::move(attachments.descriptors));
  encode_head(head, attachments.slots, bytes, receive_window.take(), frame);
  write_body(segments, frame + front);
}

bool Session::State::send(const MessageHead& head, OutgoingMessage&& message) {
  if (head.header.message_bytes > limits::kChunkBytes) return send_large(head, std::move(message));
  const bool with_descriptors = !message.attachments.empty();
  if (may_start(head.cost(), with_descriptors)) {
    send_window.start(head.cost(), with_descriptors);
    encode_small(head, message.segments, message.attachments);
    return true;
  }
  auto entry = std::make_unique<WaitingMessage>();
  entry->head = head;
  entry->attachments = std::move(message.attachments);
  entry->body = std::make_unique_for_overwrite<std::byte[]>(padded(head.header.message_bytes));
  write_body(message.segments, entry->body.get());
  waiting_bytes += head.header.message_bytes;
  waiting.push_back(std::move(entry));
  return false;
}

bool Session::State::send_large(const MessageHead& head, OutgoingMessage&& message) {
  auto large = std::make_unique<LargeMessage>(
      head, message.segments, std::move(message.attachments), std::move(message.owner));
  if (may_start(head.cost(), large->with_descriptors())) {
    send_window.start(head.cost(), large->with_descriptors());
    queue.add(std::move(large));
    return true;
  }
  auto entry = std::make_unique<WaitingMessage>();
  entry->head = head;
  entry->large = std::move(large);
  waiting_bytes += head.header.message_bytes;
  waiting.push_back(std::move(entry));
  return false;
}

void Session::State::start(WaitingMessage& message) {
  send_window.start(message.head.cost(), message.with_descriptors());
  const CallId id = message.head.header.call_id;
  if (message.head.of_reply()) {
    answered(id);
  } else if (OutCalls::Call* call = out_calls.find(id); call != nullptr) {
    call->state = message.large ? OutCalls::State::kSending : OutCalls::State::kSent;
  }
  if (message.large) {
    queue.add(std::move(message.large));
    return;
  }
  // The body was written out whole, its table included: one piece now.
  const Bytes body(message.body.get(), padded(message.head.header.message_bytes));
  encode_small(message.head, {&body, 1}, message.attachments);
}

void Session::State::pump() {
  while (!waiting.empty() && queue.has_room() &&
         send_window.may_start(waiting.front()->head.cost(), waiting.front()->with_descriptors())) {
    const std::unique_ptr<WaitingMessage> message = std::move(waiting.front());
    waiting.pop_front();
    waiting_bytes -= message->head.header.message_bytes;
    start(*message);
  }
}

std::unique_ptr<WaitingMessage> Session::State::stop_waiting(bool of_reply, CallId id) {
  const auto found = std::find_if(waiting.begin(), waiting.end(), [&](const auto& message) {
    return message->head.of_reply() == of_reply && message->head.header.call_id == id;
  });
  if (found == waiting.end()) return nullptr;
  std::unique_ptr<WaitingMessage> message = std::move(*found);
  waiting.erase(found);
  waiting_bytes -= message->head.header.message_bytes;
  return message;
}

void Session::State::answered(CallId id) {
  InCalls::Call* call = in_calls.find(id);
  // The reply may have been replaced since, and its slot, free meanwhile, have a new call.
  if (call != nullptr && call->state == InCalls::State::kAnswered) {
    call->state = InCalls::State::kFree;
  }
}

void Session::State::send_reply_status(CallId id, const Status& status) {
  const std::string_view text = cut_text(status.message());
  MessageHead head;
  head.header.type = static_cast<std::uint8_t>(FrameType::kReply);
  head.header.call_id = id;
  head.header.code_or_method = static_cast<std::uint16_t>(status.code());
  head.header.message_bytes = static_cast<std::uint32_t>(text.size());
  const Bytes body = std::as_bytes(std::span(text));
  OutgoingMessage message;
  message.segments = {&body, 1};
  if (send(head, std::move(message))) answered(id);
}

void Session::State::send_control(FrameType type, std::uint8_t flags, std::uint32_t call_id,
                                  StatusCode code, std::string_view text) {
  text = cut_text(text);
  const std::size_t bytes = sizeof(FrameHeader) + padded(text.size());
  std::byte* frame = queue.append(bytes);
  const Credit credit = receive_window.take();
  encode(FrameHeader{.size = static_cast<std::uint32_t>(bytes),
                     .type = static_cast<std::uint8_t>(type),
                     .flags = flags,
                     .call_id = call_id,
                     .credit = credit.bytes,
                     .descriptor_credit = credit.descriptor_messages,
                     .code_or_method = static_cast<std::uint16_t>(code),
                     .message_bytes = static_cast<std::uint32_t>(text.size())},
         frame);
  const Bytes body = std::as_bytes(std::span(text));
  write_body({&body, 1}, frame + sizeof(FrameHeader));
}

}  // namespace ferry::protocol
