// Frames: the bytes of the wire protocol, encoded and decoded. docs/wire_protocol.md specifies
// them.
//
// What is checked here is the form of a single frame: nothing that depends on what came before it.
// That is the Session's part.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <ferry/limits.h>
#include <ferry/status.h>
#include <ferry/support/wire_message.h>

namespace ferry::protocol {

using support::Bytes;

// The numbers travel.
enum class FrameType : std::uint8_t {
  kCall = 1,
  kReply = 2,
  kChunk = 3,
  kCancel = 4,
  kCredit = 5,
  kGoAway = 6,
  kPing = 7,
  kPong = 8,
};

// Flag of CHUNK and CANCEL: the frame belongs to a reply, so its call id is one of the receiver's.
inline constexpr std::uint8_t kOfReply = 0x01;
// Flag of any type: a receiver that doesn't know the type must end the connection. Without it, it
// skips the frame.
inline constexpr std::uint8_t kMustUnderstand = 0x80;

// In front of every frame. On the wire little-endian, in this order, without gaps.
struct FrameHeader {
  std::uint32_t size = 0;  // of the whole frame; a multiple of 8
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint16_t attachments = 0;
  std::uint32_t call_id = 0;
  std::uint32_t credit = 0;            // bytes of window given back
  std::uint8_t descriptor_credit = 0;  // messages with descriptors given back
  std::uint8_t reserved = 0;           // 0
  std::uint16_t code_or_method = 0;    // a CALL's method ordinal, or a status code
  std::uint32_t message_bytes = 0;     // of the whole message; in a CHUNK its offset in the message
};
static_assert(sizeof(FrameHeader) == 24);

// Follows the header of a CALL.
struct CallFields {
  std::uint64_t interface_id = 0;
  std::uint64_t time_left_ns = 0;  // 0: no deadline
  std::uint32_t instance = 0;
  std::uint32_t object = 0;
  std::uint32_t metadata_bytes = 0;
  std::uint32_t segment_count = 0;
};
static_assert(sizeof(CallFields) == 32);

// Follows the header of a REPLY.
struct ReplyFields {
  std::uint32_t metadata_bytes = 0;
  std::uint32_t segment_count = 0;  // 0 when the code is not OK
};
static_assert(sizeof(ReplyFields) == 8);

inline constexpr std::size_t kCallHeaderBytes = sizeof(FrameHeader) + sizeof(CallFields);
inline constexpr std::size_t kReplyHeaderBytes = sizeof(FrameHeader) + sizeof(ReplyFields);

// What a message costs of the window beside its own bytes: about what the receiver needs to keep
// track of it, so that a flood of empty messages is bounded as well.
inline constexpr std::uint32_t kMessageOverhead = 64;
// Metadata a frame may carry, in bytes. Version 1 sends none and skips what comes.
inline constexpr std::uint32_t kMetadataBytes = 4096;
static_assert(kCallHeaderBytes + 2 * limits::kDescriptors + 8 + kMetadataBytes +
                      limits::kChunkBytes <=
                  limits::kFrameBytes,
              "the largest frame must hold a chunk and everything that may stand before it");

[[nodiscard]] constexpr std::size_t padded(std::size_t bytes) noexcept {
  return (bytes + 7) & ~std::size_t{7};
}

// ---- encoding

// Little-endian on the wire, whatever the machine is.
template <typename T>
[[nodiscard]] constexpr T little_endian(T value) noexcept {
  if constexpr (std::endian::native == std::endian::big && sizeof(T) > 1) {
    T swapped = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      swapped = static_cast<T>((swapped << 8) | ((value >> (8 * i)) & 0xff));
    }
    return swapped;
  } else {
    return value;
  }
}

template <typename T>
void store(std::byte* into, std::size_t offset, T value) noexcept {
  value = little_endian(value);
  std::memcpy(into + offset, &value, sizeof value);
}
template <typename T>
[[nodiscard]] T load(const std::byte* from, std::size_t offset) noexcept {
  T value;
  std::memcpy(&value, from + offset, sizeof value);
  return little_endian(value);
}

// Field by field, here and below: a struct filled by narrow stores and then copied by wide loads
// stalls the CPU, which costs more than all the rest of a header.
inline void encode(const FrameHeader& header, std::byte* into) noexcept {
  store(into, offsetof(FrameHeader, size), header.size);
  store(into, offsetof(FrameHeader, type), header.type);
  store(into, offsetof(FrameHeader, flags), header.flags);
  store(into, offsetof(FrameHeader, attachments), header.attachments);
  store(into, offsetof(FrameHeader, call_id), header.call_id);
  store(into, offsetof(FrameHeader, credit), header.credit);
  store(into, offsetof(FrameHeader, descriptor_credit), header.descriptor_credit);
  store(into, offsetof(FrameHeader, reserved), header.reserved);
  store(into, offsetof(FrameHeader, code_or_method), header.code_or_method);
  store(into, offsetof(FrameHeader, message_bytes), header.message_bytes);
}
inline void encode(const CallFields& fields, std::byte* into) noexcept {
  store(into, offsetof(CallFields, interface_id), fields.interface_id);
  store(into, offsetof(CallFields, time_left_ns), fields.time_left_ns);
  store(into, offsetof(CallFields, instance), fields.instance);
  store(into, offsetof(CallFields, object), fields.object);
  store(into, offsetof(CallFields, metadata_bytes), fields.metadata_bytes);
  store(into, offsetof(CallFields, segment_count), fields.segment_count);
}
inline void encode(const ReplyFields& fields, std::byte* into) noexcept {
  store(into, offsetof(ReplyFields, metadata_bytes), fields.metadata_bytes);
  store(into, offsetof(ReplyFields, segment_count), fields.segment_count);
}
// Writes `slots` and their padding: padded(2 * slots.size()) bytes.
void encode_slots(const std::vector<std::uint16_t>& slots, std::byte* into) noexcept;
// Writes the segment table of a message of several segments: padded(4 * segments.size()) bytes.
void encode_segment_table(std::span<const Bytes> segments, std::byte* into) noexcept;

// ---- decoding

// One whole frame, cut into its parts. Refers to the bytes it was decoded from.
struct Frame {
  FrameHeader header;
  CallFields call;                  // CALL only
  std::uint32_t segment_count = 0;  // CALL and REPLY
  Bytes slots;                      // two bytes each
  Bytes message;                    // the part of the message (or the text) that is in this frame

  [[nodiscard]] FrameType type() const noexcept { return static_cast<FrameType>(header.type); }
  [[nodiscard]] bool of_reply() const noexcept { return (header.flags & kOfReply) != 0; }
  [[nodiscard]] std::string_view text() const noexcept;  // without the padding
};

// Needs 24 bytes.
[[nodiscard]] inline FrameHeader decode_header(Bytes bytes) noexcept {
  const std::byte* from = bytes.data();
  FrameHeader header;
  header.size = load<std::uint32_t>(from, offsetof(FrameHeader, size));
  header.type = load<std::uint8_t>(from, offsetof(FrameHeader, type));
  header.flags = load<std::uint8_t>(from, offsetof(FrameHeader, flags));
  header.attachments = load<std::uint16_t>(from, offsetof(FrameHeader, attachments));
  header.call_id = load<std::uint32_t>(from, offsetof(FrameHeader, call_id));
  header.credit = load<std::uint32_t>(from, offsetof(FrameHeader, credit));
  header.descriptor_credit = load<std::uint8_t>(from, offsetof(FrameHeader, descriptor_credit));
  header.reserved = load<std::uint8_t>(from, offsetof(FrameHeader, reserved));
  header.code_or_method = load<std::uint16_t>(from, offsetof(FrameHeader, code_or_method));
  header.message_bytes = load<std::uint32_t>(from, offsetof(FrameHeader, message_bytes));
  return header;
}
// Needs the 56 bytes that a CALL begins with.
[[nodiscard]] inline CallFields decode_call_fields(Bytes frame) noexcept {
  const std::byte* from = frame.data() + sizeof(FrameHeader);
  CallFields fields;
  fields.interface_id = load<std::uint64_t>(from, offsetof(CallFields, interface_id));
  fields.time_left_ns = load<std::uint64_t>(from, offsetof(CallFields, time_left_ns));
  fields.instance = load<std::uint32_t>(from, offsetof(CallFields, instance));
  fields.object = load<std::uint32_t>(from, offsetof(CallFields, object));
  fields.metadata_bytes = load<std::uint32_t>(from, offsetof(CallFields, metadata_bytes));
  fields.segment_count = load<std::uint32_t>(from, offsetof(CallFields, segment_count));
  return fields;
}
// Needs the 32 bytes that a REPLY begins with.
[[nodiscard]] inline ReplyFields decode_reply_fields(Bytes frame) noexcept {
  const std::byte* from = frame.data() + sizeof(FrameHeader);
  ReplyFields fields;
  fields.metadata_bytes = load<std::uint32_t>(from, offsetof(ReplyFields, metadata_bytes));
  fields.segment_count = load<std::uint32_t>(from, offsetof(ReplyFields, segment_count));
  return fields;
}
[[nodiscard]] inline std::uint16_t decode_slot(Bytes slots, std::size_t index) noexcept {
  return load<std::uint16_t>(slots.data(), 2 * index);
}

// The length of the frame at the front of `input`; 0 when not even its header is whole. Fails when
// no frame can have such a size, so that nobody waits for the rest of it.
[[nodiscard]] Status frame_length(Bytes input, std::size_t& length);
// Whether a frame may have such a size.
[[nodiscard]] constexpr bool possible_size(std::size_t size) noexcept {
  return size >= sizeof(FrameHeader) && size <= limits::kFrameBytes && size % 8 == 0;
}

// Cuts `bytes`, one whole frame. A frame of a type we don't know keeps its header only. Fails with
// DATA_LOSS when sizes and counts contradict each other, INVALID_ARGUMENT when a field has a value
// that it can't have, UNIMPLEMENTED for a type we don't know but must.
[[nodiscard]] Status decode_frame(Bytes bytes, Frame& frame);

// Checks the segment table at the front of `message` against its length. DATA_LOSS. There is none
// when there is one segment.
[[nodiscard]] Status check_segment_table(Bytes message, std::uint32_t segment_count);
[[nodiscard]] inline Status check_segments(Bytes message, std::uint32_t segment_count) {
  return segment_count == 1 ? Status() : check_segment_table(message, segment_count);
}

}  // namespace ferry::protocol
