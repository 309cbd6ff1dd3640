// Filling Events from frames. Private to session*.cc.
#pragma once

#include <string>
#include <string_view>

#include "runtime/protocol/frame.h"
#include "runtime/protocol/session.h"

namespace ferry::protocol {

[[nodiscard]] std::string call_text(CallId id);

// The status a code on the wire stands for; UNKNOWN for a code of a newer version.
[[nodiscard]] Status status_of(std::uint16_t code, std::string_view text);

// The descriptors that came with `frame`, into empty attachments.
[[nodiscard]] Status take_some_attachments(const Frame& frame, const DescriptorSource& source,
                                           support::Attachments& into);
[[nodiscard]] inline Status take_attachments(const Frame& frame, const DescriptorSource& source,
                                             support::Attachments& into) {
  return frame.header.attachments == 0 ? Status() : take_some_attachments(frame, source, into);
}

// A message that is whole in its frame, but for its descriptors.
[[nodiscard]] inline Status take_small(const Frame& frame, IncomingMessage& message) {
  message.body = frame.message;
  message.segment_count = frame.segment_count;
  message.cost = kMessageOverhead + frame.header.message_bytes;
  return check_segments(message.body, message.segment_count);
}

// Begins a new event: nothing of the last one is left, but for its memory.
inline void clear(Event& event, Event::Kind kind, CallId id) {
  event.kind = kind;
  event.id = id;
  if (!event.status.ok()) event.status = Status();
  event.message.body = {};
  event.message.cost = 0;
  event.message.storage.reset();
  event.message.attachments.slots.clear();
  event.message.attachments.descriptors.clear();
}

}  // namespace ferry::protocol
