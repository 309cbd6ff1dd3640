#include "runtime/protocol/session.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include "runtime/protocol/session_state.h"

namespace ferry::protocol {

namespace {

// A message's size and cost are 32 bits wide on the wire.
constexpr std::size_t kMostMessageBytes = std::numeric_limits<std::uint32_t>::max() - 1023;

std::uint32_t segment_count(std::span<const Bytes> segments) {
  return segments.empty() ? 1 : static_cast<std::uint32_t>(segments.size());
}

}  // namespace

std::uint64_t message_bytes(std::span<const Bytes> segments) {
  std::uint64_t bytes = segments.size() > 1 ? padded(4 * segments.size()) : 0;
  for (const Bytes& segment : segments) {
    assert(segment.size() % 8 == 0 && "segments are whole words");
    bytes += segment.size();
  }
  return bytes;
}

Session::State::State(const Options& from)
    : options(from),
      send_window(from.peer_window_bytes),
      receive_window(from.window_bytes),
      out_calls(from.peer_calls_in_flight),
      in_calls(from.calls_in_flight) {
  options.message_bytes = std::min(options.message_bytes, kMostMessageBytes);
  options.peer_message_bytes = std::min(options.peer_message_bytes, kMostMessageBytes);
}

Session::Session(const Options& options) : state_(std::make_unique<State>(options)) {}
Session::~Session() = default;

Result<CallId> Session::start_call(const CallHead& head, OutgoingMessage message) {
  State& state = *state_;
  if (state.failed) {
    return Status::unavailable("start a call: the connection failed: " + state.failure.message());
  }
  if (state.said_go_away) {
    return Status::unavailable("start a call: this side of the connection is going away");
  }
  if (state.peer_goes_away) {
    return Status::unavailable("start a call: the peer is going away: " +
                               state.peer_goes_away_why.to_string());
  }
  const std::uint64_t bytes = message_bytes(message.segments);
  if (Status status = state.check_outgoing(message, bytes); !status.ok()) return status;
  const bool large = bytes > limits::kChunkBytes;
  CallId id = 0;
  OutCalls::Call* call =
      state.out_calls.add(large ? OutCalls::State::kSending : OutCalls::State::kSent, id);
  if (call == nullptr) {
    return Status::resource_exhausted(
        "start a call: " + std::to_string(state.out_calls.in_use()) +
        " are in flight on this connection (cancelled ones that the peer still works on among "
        "them), which is the limit");
  }
  ++state.calls_out;
  MessageHead wire;
  wire.header.type = static_cast<std::uint8_t>(FrameType::kCall);
  wire.header.attachments = static_cast<std::uint16_t>(message.attachments.slots.size());
  wire.header.call_id = id;
  wire.header.code_or_method = head.method;
  wire.header.message_bytes = static_cast<std::uint32_t>(bytes);
  wire.call.interface_id = head.interface_id;
  wire.call.time_left_ns =
      static_cast<std::uint64_t>(std::max(head.time_left, std::chrono::nanoseconds{0}).count());
  wire.call.instance = head.instance;
  wire.call.object = head.object;
  wire.call.segment_count = segment_count(message.segments);
  if (!state.send(wire, std::move(message))) call->state = OutCalls::State::kWaiting;
  return id;
}

Status Session::reply(CallId id, OutgoingMessage message) {
  State& state = *state_;
  InCalls::Call* call = state.in_calls.find(id);
  if (call == nullptr || call->state != InCalls::State::kDelivered) {
    assert(false && "every call is answered exactly once");
    return Status::internal("reply to call " + std::to_string(id) + ": it is not to be answered");
  }
  if (call->cancelled) {
    reply(id, Status::cancelled("the call was cancelled"));
    return {};
  }
  const std::uint64_t bytes = message_bytes(message.segments);
  if (Status status = state.check_outgoing(message, bytes); !status.ok()) {
    reply(id, status);
    return status;
  }
  MessageHead wire;
  wire.header.type = static_cast<std::uint8_t>(FrameType::kReply);
  wire.header.attachments = static_cast<std::uint16_t>(message.attachments.slots.size());
  wire.header.call_id = id;
  wire.header.message_bytes = static_cast<std::uint32_t>(bytes);
  wire.call.segment_count = segment_count(message.segments);
  call->state = InCalls::State::kAnswered;
  --state.calls_in;
  if (state.send(wire, std::move(message))) state.answered(id);
  return {};
}

void Session::reply(CallId id, const Status& status) {
  State& state = *state_;
  assert(!status.ok());
  InCalls::Call* call = state.in_calls.find(id);
  if (call == nullptr || call->state != InCalls::State::kDelivered) {
    assert(false && "every call is answered exactly once");
    return;
  }
  call->state = InCalls::State::kAnswered;
  --state.calls_in;
  state.send_reply_status(id, status);
}

void Session::cancel(CallId id) {
  State& state = *state_;
  OutCalls::Call* call = state.out_calls.find(id);
  if (call == nullptr || call->state == OutCalls::State::kCancelled) return;
  --state.calls_out;
  if (call->state == OutCalls::State::kWaiting) {
    state.stop_waiting(false, id);
    state.out_calls.remove(id, *call);
    state.pump();
    return;
  }
  const OutputQueue::Dropped dropped = state.queue.drop(false, id);
  if (dropped.part == OutputQueue::Dropped::kUnsent) {
    state.send_window.undo(dropped.cost, dropped.with_descriptors);
    state.out_calls.remove(id, *call);
    state.pump();
    return;
  }
  state.send_control(FrameType::kCancel, 0, id, StatusCode::kOk);
  if (dropped.part == OutputQueue::Dropped::kHalfSent) {
    // The peer never has the whole call, so it doesn't answer: the call ends with this frame.
    state.out_calls.remove(id, *call);
    return;
  }
  call->state = OutCalls::State::kCancelled;
  if (call->reply) {
    state.bytes_held -= call->reply->held();
    call->reply->discard();
  }
}

void Session::go_away(const Status& why) {
  if (state_->said_go_away) return;
  state_->said_go_away = true;
  state_->send_control(FrameType::kGoAway, 0, 0, why.code(), why.message());
}

void Session::release(std::uint32_t cost, bool with_descriptors) {
  state_->receive_window.release(cost, with_descriptors);
}

bool Session::ping() {
  if (state_->ping_pending) return false;
  state_->ping_pending = true;
  state_->send_control(FrameType::kPing, 0, ++state_->ping_token, StatusCode::kOk);
  return true;
}

bool Session::ping_pending() const noexcept { return state_->ping_pending; }

bool Session::has_output() const noexcept {
  return !state_->queue.empty() || state_->pong_due || state_->receive_window.due();
}

bool Session::output(Output& output) {
  State& state = *state_;
  if (!state.queue.busy()) {
    if (state.pong_due) {
      state.pong_due = false;
      state.send_control(FrameType::kPong, 0, state.pong_token, StatusCode::kOk);
    }
    if (state.receive_window.due()) {
      state.send_control(FrameType::kCredit, 0, 0, StatusCode::kOk);
    }
    state.queue.begin_batch(state.receive_window);
    state.pump();
  }
  return state.queue.output(output);
}

void Session::written(std::size_t bytes) { state_->queue.written(bytes); }

Result<bool> Session::next(Bytes& input, TimePoint /*now*/, const DescriptorSource& source,
                           Event& event) {
  State& state = *state_;
  if (state.failed) return state.failure;
  const auto fail = [&state](Status status) {
    state.failed = true;
    state.failure = std::move(status);
    return state.failure;
  };
  for (;;) {
    if (input.size() < sizeof(FrameHeader)) return false;
    std::size_t length = load<std::uint32_t>(input.data(), offsetof(FrameHeader, size));
    if (!possible_size(length)) return fail(frame_length(input, length));
    if (input.size() < length) return false;
    Frame frame;
    if (Status status = decode_frame(input.first(length), frame); !status.ok()) {
      return fail(std::move(status));
    }
    input = input.subspan(length);
    const Credit credit{frame.header.credit, frame.header.descriptor_credit};
    if (credit.bytes != 0 || credit.descriptor_messages != 0) {
      if (Status status = state.send_window.add(credit); !status.ok()) {
        return fail(std::move(status));
      }
      state.pump();
    }
    bool made = false;
    if (Status status = state.receive(frame, source, event, made); !status.ok()) {
      return fail(std::move(status));
    }
    if (made) return true;
  }
}

std::size_t Session::calls_out() const noexcept { return state_->calls_out; }
std::size_t Session::calls_in() const noexcept { return state_->calls_in; }
std::size_t Session::bytes_held() const noexcept { return state_->bytes_held; }
std::size_t Session::backlog() const noexcept { return state_->waiting_bytes; }
std::size_t Session::messages_waiting() const noexcept { return state_->waiting.size(); }
std::int64_t Session::window_left() const noexcept { return state_->send_window.available(); }
std::int64_t Session::window_charged() const noexcept { return state_->receive_window.charged(); }

}  // namespace ferry::protocol
