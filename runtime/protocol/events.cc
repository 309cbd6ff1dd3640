#include "runtime/protocol/events.h"

namespace ferry::protocol {

std::string call_text(CallId id) { return "call " + std::to_string(id); }

Status status_of(std::uint16_t code, std::string_view text) {
  if (code <= static_cast<std::uint16_t>(StatusCode::kUnauthenticated)) {
    return {static_cast<StatusCode>(code), std::string(text)};
  }
  return Status::unknown("status code " + std::to_string(code) + ": " + std::string(text));
}

Status take_some_attachments(const Frame& frame, const DescriptorSource& source,
                             support::Attachments& into) {
  const std::size_t count = frame.header.attachments;
  into.slots.reserve(count);
  for (std::size_t i = 0; i < count; ++i) into.slots.push_back(decode_slot(frame.slots, i));
  if (Status status = source(count, into.descriptors); !status.ok()) return status;
  if (into.descriptors.size() == count) return {};
  return Status::internal("the lane handed out " + std::to_string(into.descriptors.size()) +
                          " descriptors where " + std::to_string(count) + " were asked for");
}

}  // namespace ferry::protocol
