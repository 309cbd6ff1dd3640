#include "runtime/protocol/large_message.h"

#include <algorithm>
#include <utility>

namespace ferry::protocol {

LargeMessage::LargeMessage(const MessageHead& head, std::span<const Bytes> segments,
                           support::Attachments attachments, std::shared_ptr<const void> owner)
    : head_(head),
      attachments_(std::move(attachments)),
      with_descriptors_(!attachments_.empty()),
      owner_(std::move(owner)) {
  parts_.reserve(segments.size() + 1);
  if (segments.size() > 1) {
    table_.resize(padded(4 * segments.size()));
    encode_segment_table(segments, table_.data());
    parts_.emplace_back(table_);
  }
  parts_.insert(parts_.end(), segments.begin(), segments.end());
}

std::size_t LargeMessage::cut(Credit credit, std::vector<std::byte>& header,
                              std::vector<iovec>& payload) {
  payload.clear();
  std::size_t bytes = 0;
  const std::uint32_t begin = cut_;
  while (part_ < parts_.size() && bytes < limits::kChunkBytes && payload.size() < kPieces) {
    const Bytes rest = parts_[part_].subspan(offset_);
    const std::size_t take = std::min(rest.size(), limits::kChunkBytes - bytes);
    if (take > 0) {
      // iovec is one type for reading and writing; nobody writes through this one.
      payload.push_back({const_cast<std::byte*>(rest.data()), take});
    }
    bytes += take;
    offset_ += take;
    if (take == rest.size()) {
      ++part_;
      offset_ = 0;
    }
  }
  cut_ += static_cast<std::uint32_t>(bytes);
  if (!started_) {
    started_ = true;
    header.resize(head_bytes(head_, attachments_.slots.size()));
    encode_head(head_, attachments_.slots, header.size() + bytes, credit, header.data());
    return bytes;
  }
  header.resize(sizeof(FrameHeader));
  encode(FrameHeader{.size = static_cast<std::uint32_t>(sizeof(FrameHeader) + bytes),
                     .type = static_cast<std::uint8_t>(FrameType::kChunk),
                     .flags = of_reply() ? kOfReply : std::uint8_t{0},
                     .call_id = call_id(),
                     .credit = credit.bytes,
                     .descriptor_credit = credit.descriptor_messages,
                     .message_bytes = begin},
         header.data());
  return bytes;
}

}  // namespace ferry::protocol
