// What a single frame must be like, and the words for one that is not.
#include <string>

#include "runtime/protocol/frame.h"

namespace ferry::protocol {

namespace {

std::string_view type_name(std::uint8_t type) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kCall:
      return "CALL";
    case FrameType::kReply:
      return "REPLY";
    case FrameType::kChunk:
      return "CHUNK";
    case FrameType::kCancel:
      return "CANCEL";
    case FrameType::kCredit:
      return "CREDIT";
    case FrameType::kGoAway:
      return "GOAWAY";
    case FrameType::kPing:
      return "PING";
    case FrameType::kPong:
      return "PONG";
  }
  return "unknown";
}

std::string about(const FrameHeader& header) {
  return "the peer's " + std::string(type_name(header.type)) + " frame of " +
         std::to_string(header.size) + " bytes, call " + std::to_string(header.call_id) + ": ";
}

Status lies(const FrameHeader& header, std::string_view why) {
  return Status::data_loss(about(header) + std::string(why));
}

Status wrong(const FrameHeader& header, std::string_view why) {
  return Status::invalid_argument(about(header) + std::string(why));
}

bool all_zero(Bytes bytes) {
  for (const std::byte byte : bytes) {
    if (byte != std::byte{0}) return false;
  }
  return true;
}

// The table of attachment slots: increasing, in range, and padded with zeros.
Status check_slots(const Frame& frame) {
  const std::size_t count = frame.header.attachments;
  std::uint32_t least = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t slot = decode_slot(frame.slots, i);
    if (slot < least) return wrong(frame.header, "its attachment slots do not increase");
    if (slot >= limits::kAttachmentSlots) {
      return wrong(frame.header, "attachment slot " + std::to_string(slot) + " is over the limit");
    }
    least = slot + 1;
  }
  if (!all_zero(frame.slots.subspan(2 * count))) {
    return wrong(frame.header, "the padding of its attachment slots is not zero");
  }
  return {};
}

// A text of message_bytes, padded with zeros to the end of the frame.
Status decode_text(Bytes rest, Frame& frame) {
  const std::size_t length = frame.header.message_bytes;
  if (length > limits::kStatusMessageBytes) {
    return wrong(frame.header,
                 "its text of " + std::to_string(length) + " bytes is over the limit");
  }
  if (rest.size() != padded(length)) {
    return lies(frame.header, "its text of " + std::to_string(length) + " bytes does not fill it");
  }
  if (!all_zero(rest.subspan(length))) {
    return wrong(frame.header, "the padding of its text is not zero");
  }
  frame.message = rest;
  return {};
}

// What CALL and REPLY have in common, behind their fixed fields: slots, metadata, message.
Status decode_message(Bytes bytes, std::size_t offset, std::uint32_t metadata_bytes, Frame& frame) {
  const FrameHeader& header = frame.header;
  if (header.attachments > limits::kDescriptors) {
    return wrong(header, std::to_string(header.attachments) +
                             " descriptors are over the limit of " +
                             std::to_string(limits::kDescriptors));
  }
  if (metadata_bytes > kMetadataBytes || metadata_bytes % 8 != 0) {
    return wrong(header, "it can't have " + std::to_string(metadata_bytes) + " bytes of metadata");
  }
  const std::size_t slot_bytes = padded(2 * std::size_t{header.attachments});
  if (bytes.size() - offset < slot_bytes + metadata_bytes) {
    return lies(header, "its attachment slots and metadata do not fit into it");
  }
  frame.slots = bytes.subspan(offset, slot_bytes);
  if (header.attachments > 0) {
    if (Status status = check_slots(frame); !status.ok()) return status;
  }
  const Bytes rest = bytes.subspan(offset + slot_bytes + metadata_bytes);
  if (frame.type() == FrameType::kReply && header.code_or_method != 0) {
    if (header.attachments > 0 || frame.segment_count > 0) {
      return wrong(header, "a reply that is not OK has no descriptors and no segments");
    }
    return decode_text(rest, frame);
  }
  if (frame.segment_count == 0 || frame.segment_count > limits::kSegments) {
    return wrong(header,
                 "a message can't have " + std::to_string(frame.segment_count) + " segments");
  }
  if (header.message_bytes % 8 != 0) {
    return wrong(header, "a message of " + std::to_string(header.message_bytes) +
                             " bytes is not whole words");
  }
  if (rest.size() > header.message_bytes) {
    return lies(header,
                "it has more bytes than its message of " + std::to_string(header.message_bytes));
  }
  if (rest.size() > limits::kChunkBytes) return lies(header, "it has more than a chunk");
  frame.message = rest;
  return {};
}

Status decode_chunk(Bytes bytes, Frame& frame) {
  const FrameHeader& header = frame.header;
  if (header.code_or_method != 0) return wrong(header, "its code is not 0");
  if (header.message_bytes % 8 != 0) return wrong(header, "its offset is not a multiple of 8");
  frame.message = bytes.subspan(sizeof(FrameHeader));
  if (frame.message.empty()) return lies(header, "it is empty");
  if (frame.message.size() > limits::kChunkBytes) return lies(header, "it has more than a chunk");
  return {};
}

Status decode_cancel(Bytes bytes, const Frame& frame) {
  const FrameHeader& header = frame.header;
  if (bytes.size() != sizeof(FrameHeader)) return lies(header, "it has 24 bytes");
  if (header.message_bytes != 0) return wrong(header, "it has no message");
  if (frame.of_reply() == (header.code_or_method == 0)) {
    return wrong(header, "only of a reply it has a code, and then not OK");
  }
  return {};
}

// CREDIT, PING and PONG: a header and nothing else.
Status decode_bare(Bytes bytes, const Frame& frame) {
  const FrameHeader& header = frame.header;
  if (bytes.size() != sizeof(FrameHeader)) return lies(header, "it has 24 bytes");
  if (header.message_bytes != 0 || header.code_or_method != 0) {
    return wrong(header, "it has no message and no code");
  }
  if (frame.type() == FrameType::kCredit && header.call_id != 0) {
    return wrong(header, "it is of no call");
  }
  return {};
}

Status decode_go_away(Bytes bytes, Frame& frame) {
  if (frame.header.call_id != 0) return wrong(frame.header, "it is of no call");
  return decode_text(bytes.subspan(sizeof(FrameHeader)), frame);
}

Status decode_call(Bytes bytes, Frame& frame) {
  if (bytes.size() < kCallHeaderBytes) return lies(frame.header, "it has at least 56 bytes");
  frame.call = decode_call_fields(bytes);
  frame.segment_count = frame.call.segment_count;
  return decode_message(bytes, kCallHeaderBytes, frame.call.metadata_bytes, frame);
}

Status decode_reply(Bytes bytes, Frame& frame) {
  if (bytes.size() < kReplyHeaderBytes) return lies(frame.header, "it has at least 32 bytes");
  const auto fields = decode_reply_fields(bytes);
  frame.segment_count = fields.segment_count;
  return decode_message(bytes, kReplyHeaderBytes, fields.metadata_bytes, frame);
}

// Fields whose rule is the same for every type that is known.
Status check_common(const Frame& frame) {
  const FrameHeader& header = frame.header;
  const FrameType type = frame.type();
  const bool may_be_of_reply = type == FrameType::kChunk || type == FrameType::kCancel;
  const auto known = static_cast<std::uint8_t>(kMustUnderstand | (may_be_of_reply ? kOfReply : 0));
  if ((header.flags & ~known) != 0) {
    return wrong(header, "it can't have flags " + std::to_string(header.flags));
  }
  if (header.reserved != 0) return wrong(header, "its reserved byte is not 0");
  if (header.attachments != 0 && type != FrameType::kCall && type != FrameType::kReply) {
    return wrong(header, "only calls and replies carry descriptors");
  }
  return {};
}

}  // namespace

Status frame_length(Bytes input, std::size_t& length) {
  length = 0;
  if (input.size() < sizeof(FrameHeader)) return {};
  const FrameHeader header = decode_header(input);
  if (possible_size(header.size)) {
    length = header.size;
    return {};
  }
  if (header.size % 8 != 0) return lies(header, "its size is not a multiple of 8");
  if (header.size < sizeof(FrameHeader)) return lies(header, "a frame has at least 24 bytes");
  return lies(header, "a frame has at most " + std::to_string(limits::kFrameBytes) + " bytes");
}

Status decode_frame(Bytes bytes, Frame& frame) {
  frame.header = decode_header(bytes);
  frame.slots = {};
  frame.message = {};
  if (frame.header.type == 0 || frame.header.type > static_cast<std::uint8_t>(FrameType::kPong)) {
    if ((frame.header.flags & kMustUnderstand) != 0) {
      return Status::unimplemented(about(frame.header) + "type " +
                                   std::to_string(frame.header.type) +
                                   " is of a newer version, and must be understood");
    }
    if (frame.header.attachments == 0) return {};
    return wrong(frame.header, "descriptors beside a frame that nobody knows");
  }
  if (Status status = check_common(frame); !status.ok()) return status;
  switch (frame.type()) {
    case FrameType::kCall:
      return decode_call(bytes, frame);
    case FrameType::kReply:
      return decode_reply(bytes, frame);
    case FrameType::kChunk:
      return decode_chunk(bytes, frame);
    case FrameType::kCancel:
      return decode_cancel(bytes, frame);
    case FrameType::kGoAway:
      return decode_go_away(bytes, frame);
    case FrameType::kCredit:
    case FrameType::kPing:
    case FrameType::kPong:
      return decode_bare(bytes, frame);
  }
  return {};
}

}  // namespace ferry::protocol
