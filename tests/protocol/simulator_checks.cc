// Simulation: what the users of the Sessions do, and what must hold.
#include <algorithm>
#include <utility>

#include "runtime/protocol/frame.h"
#include "tests/protocol/simulated_messages.h"
#include "tests/protocol/simulator.h"

namespace ferry::protocol::testing {

std::vector<Bytes> Simulation::cut(const std::vector<std::uint64_t>& data, std::uint64_t seed) {
  const Bytes all = std::as_bytes(std::span(data));
  std::vector<Bytes> segments;
  std::size_t at = 0;
  for (std::uint64_t pieces = simulated_segments(seed); pieces > 1; --pieces) {
    const std::size_t size = 8 * below((all.size() - at) / 8 + 1);
    segments.push_back(all.subspan(at, size));
    at += size;
  }
  segments.push_back(all.subspan(at));
  return segments;
}

void Simulation::check_message(const IncomingMessage& message, std::uint64_t seed,
                               std::string_view what) {
  if (reinterpret_cast<std::uintptr_t>(message.body.data()) % 8 != 0) fail("a body is not aligned");
  const auto segments = split_segments(message.body, message.segment_count);
  if (!segments)
    return fail("segments of " + std::string(what) + ": " + segments.status().to_string());
  if (faulty_) return;
  const std::vector<std::uint64_t> expected = simulated_data(seed);
  Bytes rest = std::as_bytes(std::span(expected));
  for (const Bytes& segment : *segments) {
    if (segment.size() > rest.size() || !std::equal(segment.begin(), segment.end(), rest.begin())) {
      return fail("the bytes of " + std::string(what) + " are not those that were sent");
    }
    rest = rest.subspan(segment.size());
  }
  if (!rest.empty()) fail("bytes of " + std::string(what) + " are missing");
  if (!same_attachments(message.attachments, seed)) {
    fail("the descriptors of " + std::string(what) + " are not those that were sent");
  }
}

void Simulation::hold(Side& side, const IncomingMessage& message) {
  side.held.push_back({message.cost, !message.attachments.empty()});
}

void Simulation::reply(Side& side, std::size_t which) {
  const InCall call = side.handling[which];
  side.handling.erase(side.handling.begin() + static_cast<std::ptrdiff_t>(which));
  trace(side, "replies to " + std::to_string(call.id));
  if (const auto status = simulated_status(call.seed)) {
    side.session->reply(call.id, *status);
    return;
  }
  auto data = std::make_shared<const std::vector<std::uint64_t>>(simulated_data(call.seed + 1));
  const std::vector<Bytes> segments = cut(*data, call.seed + 1);
  OutgoingMessage message;
  message.segments = segments;
  message.attachments = simulated_attachments(call.seed + 1);
  counts_.descriptors += message.attachments.descriptors.size();
  message.owner = std::move(data);
  if (!side.session->reply(call.id, std::move(message)).ok()) {
    ++counts_.refused;
    refused_replies_.insert(call.seed);
  }
}

void Simulation::release(Side& side, std::size_t which) {
  const Held held = side.held[which];
  side.held.erase(side.held.begin() + static_cast<std::ptrdiff_t>(which));
  side.session->release(held.cost, held.with_descriptors);
}

void Simulation::cancel(Side& side) {
  if (side.calls.empty()) return;
  const auto chosen =
      std::next(side.calls.begin(), static_cast<std::ptrdiff_t>(below(side.calls.size())));
  trace(side, "cancels " + std::to_string(chosen->first));
  ++counts_.cancelled;
  side.session->cancel(chosen->first);
  // The memory of its message is nobody's now: whoever still reads it reads this, or freed memory.
  std::ranges::fill(*chosen->second.data, 0xdeadbeefdeadbeef);
  side.calls.erase(chosen);
}

void Simulation::corrupt(Side& side) {
  if (side.wire.empty()) return;
  ++counts_.corrupted;
  const std::size_t at =
      chance(50) ? below(std::min<std::size_t>(side.wire.size(), 100)) : below(side.wire.size());
  trace(side, "byte " + std::to_string(at) + " of its wire is corrupted");
  side.wire[at] = static_cast<std::byte>(random_());
}

void Simulation::check_bounds(const Side& side) {
  const Session& session = *side.session;
  const std::int64_t window = side.options.window_bytes;
  const auto largest = static_cast<std::int64_t>(side.options.message_bytes + kMessageOverhead);
  const std::int64_t charged = session.window_charged();
  if (charged > std::max(window, window / 2 + largest)) fail("over the window");
  if (static_cast<std::int64_t>(session.bytes_held()) > charged) {
    fail("held is more than was charged for");
  }
  if (session.calls_in() > side.options.calls_in_flight) fail("too many calls are handled");
  if (session.calls_out() != side.calls.size() && !dead_) fail("calls_out() is wrong");
}

// No new calls, no faults: everything goes on until nothing moves. Then all must have ended.
void Simulation::settle() {
  calls_left_ = 0;
  for (std::size_t round = 0; round < 100'000 && failure_.empty() && !dead_; ++round) {
    bool moved = false;
    for (Side& side : sides_) {
      const std::size_t before = peer_of(side).wire.size();
      write(side, SIZE_MAX);
      moved = moved || peer_of(side).wire.size() != before || !side.wire.empty();
      deliver(side, SIZE_MAX);
      if (dead_) return;
      for (; !side.handling.empty(); moved = true) reply(side, 0);
      for (; !side.held.empty(); moved = true) release(side, 0);
      check_bounds(side);
    }
    if (moved) continue;
    if (!faulty_) {
      for (Side& side : sides_) check_end(side);
    }
    return;
  }
  if (failure_.empty() && !dead_) fail("it goes on for ever");
}

void Simulation::check_end(Side& side) {
  const Session& session = *side.session;
  if (!side.calls.empty()) fail(std::to_string(side.calls.size()) + " calls never ended");
  if (session.calls_out() != 0 || session.calls_in() != 0) fail("calls are left in a Session");
  if (session.bytes_held() != 0 || session.backlog() != 0) fail("bytes are left in a Session");
  if (session.has_output() || side.input_bytes != 0) fail("output or input is left");
  if (session.ping_pending()) fail("a PING was not answered");
  if (!side.descriptors.empty()) fail("descriptors are left on the wire");
  const std::int64_t window = side.options.window_bytes;
  if (peer_of(side).session->window_left() + session.window_charged() != window) {
    fail("credit was lost or made");
  }
  if (session.window_charged() != 0 && session.window_charged() >= window / 2) {
    fail("credit that is owed is not sent");
  }
}

}  // namespace ferry::protocol::testing
