#include "runtime/protocol/frame.h"

namespace ferry::protocol {

void encode_slots(const std::vector<std::uint16_t>& slots, std::byte* into) noexcept {
  std::memset(into, 0, padded(2 * slots.size()));
  for (std::size_t i = 0; i < slots.size(); ++i) store(into, 2 * i, slots[i]);
}

void encode_segment_table(std::span<const Bytes> segments, std::byte* into) noexcept {
  std::memset(into, 0, padded(4 * segments.size()));
  for (std::size_t i = 0; i < segments.size(); ++i) {
    store(into, 4 * i, static_cast<std::uint32_t>(segments[i].size() / 8));
  }
}

std::string_view Frame::text() const noexcept {
  return {reinterpret_cast<const char*>(message.data()), header.message_bytes};
}

}  // namespace ferry::protocol
