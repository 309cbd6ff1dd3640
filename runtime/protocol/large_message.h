// LargeMessage: a message on its way out that is cut into chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <sys/uio.h>
#include <vector>

#include "runtime/protocol/flow_control.h"
#include "runtime/protocol/frame.h"

namespace ferry::protocol {

// A CALL or a REPLY without its message: what its frame begins with.
struct MessageHead {
  FrameHeader header;  // size and credit are set when it is encoded
  CallFields call;     // of a REPLY only the segment count is used
  [[nodiscard]] bool of_reply() const noexcept {
    return header.type == static_cast<std::uint8_t>(FrameType::kReply);
  }
  [[nodiscard]] std::uint32_t cost() const noexcept {
    return kMessageOverhead + header.message_bytes;
  }
};

// Bytes of `head` and its slots on the wire.
[[nodiscard]] inline std::size_t head_bytes(const MessageHead& head,
                                            std::size_t slot_count) noexcept {
  return (head.of_reply() ? kReplyHeaderBytes : kCallHeaderBytes) + padded(2 * slot_count);
}
// Writes them, for a frame of `frame_bytes` in all that gives back `credit`.
inline void encode_head(const MessageHead& head, const std::vector<std::uint16_t>& slots,
                        std::size_t frame_bytes, Credit credit, std::byte* into) noexcept {
  encode(head.header, into);
  store(into, offsetof(FrameHeader, size), static_cast<std::uint32_t>(frame_bytes));
  store(into, offsetof(FrameHeader, credit), credit.bytes);
  store(into, offsetof(FrameHeader, descriptor_credit), credit.descriptor_messages);
  into += sizeof(FrameHeader);
  if (head.of_reply()) {
    encode(ReplyFields{.segment_count = head.call.segment_count}, into);
    into += sizeof(ReplyFields);
  } else {
    encode(head.call, into);
    into += sizeof(CallFields);
  }
  if (!slots.empty()) encode_slots(slots, into);
}

class LargeMessage {
 public:
  // Keeps references to the segments; `owner` may keep them alive.
  LargeMessage(const MessageHead& head, std::span<const Bytes> segments,
               support::Attachments attachments, std::shared_ptr<const void> owner);

  [[nodiscard]] const MessageHead& head() const noexcept { return head_; }
  [[nodiscard]] bool of_reply() const noexcept { return head_.of_reply(); }
  [[nodiscard]] std::uint32_t call_id() const noexcept { return head_.header.call_id; }
  [[nodiscard]] bool with_descriptors() const noexcept { return with_descriptors_; }
  [[nodiscard]] bool started() const noexcept { return started_; }
  [[nodiscard]] bool all_cut() const noexcept { return left() == 0; }
  // Bytes of the message that are in no chunk yet.
  [[nodiscard]] std::uint32_t left() const noexcept { return head_.header.message_bytes - cut_; }

  // Cuts the next frame: its header into `header`, references to its part of the message into
  // `payload` (both cleared first). At most kPieces pieces. Returns its payload bytes.
  std::size_t cut(Credit credit, std::vector<std::byte>& header, std::vector<iovec>& payload);
  // The descriptors, which go with the first frame.
  [[nodiscard]] std::vector<UniqueFd> take_descriptors() noexcept {
    return std::move(attachments_.descriptors);
  }

  // One output has at most 16 buffers: small frames, this frame's header, and these.
  static constexpr std::size_t kPieces = 14;

 private:
  MessageHead head_;
  support::Attachments attachments_;
  bool with_descriptors_;
  bool started_ = false;
  std::vector<std::byte> table_;  // of the segments, when there are several
  std::vector<Bytes> parts_;      // the table and the segments
  std::size_t part_ = 0;          // where the next chunk begins
  std::size_t offset_ = 0;
  std::uint32_t cut_ = 0;  // bytes of the message in the chunks so far
  std::shared_ptr<const void> owner_;
};

}  // namespace ferry::protocol
