// The segment table of a message: checked, and cut by.
#include "runtime/protocol/frame.h"
#include "runtime/protocol/session.h"

namespace ferry::protocol {

namespace {

std::uint64_t segment_bytes(Bytes message, std::size_t index) {
  return std::uint64_t{load<std::uint32_t>(message.data(), 4 * index)} * 8;
}

}  // namespace

Status check_segment_table(Bytes message, std::uint32_t segment_count) {
  const std::size_t table = padded(std::size_t{4} * segment_count);
  if (segment_count == 0 || segment_count > limits::kSegments || table > message.size()) {
    return Status::data_loss("read the segment table of a message of " +
                             std::to_string(message.size()) + " bytes: it can't have " +
                             std::to_string(segment_count) + " segments");
  }
  std::uint64_t total = table;
  for (std::size_t i = 0; i < segment_count; ++i) total += segment_bytes(message, i);
  if (total == message.size()) return {};
  return Status::data_loss("read the segment table of a message of " +
                           std::to_string(message.size()) + " bytes: its segments and table are " +
                           std::to_string(total) + " bytes");
}

Result<std::vector<Bytes>> split_segments(Bytes body, std::uint32_t segment_count) {
  if (segment_count == 1) return std::vector<Bytes>{body};
  if (const Status status = check_segments(body, segment_count); !status.ok()) {
    return Status::invalid_argument(status.message());
  }
  std::vector<Bytes> segments;
  segments.reserve(segment_count);
  std::size_t offset = padded(std::size_t{4} * segment_count);
  for (std::size_t i = 0; i < segment_count; ++i) {
    const auto size = static_cast<std::size_t>(segment_bytes(body, i));
    segments.push_back(body.subspan(offset, size));
    offset += size;
  }
  return segments;
}

}  // namespace ferry::protocol
