// Session::State, the way in: what each frame means after those before it. Replies:
// session_replies.cc.
#include <limits>
#include <string>
#include <utility>

#include "runtime/protocol/events.h"
#include "runtime/protocol/session_state.h"

namespace ferry::protocol {

namespace {

CallHead head_of(const CallFields& call, std::uint16_t method) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return {.interface_id = call.interface_id,
          .method = method,
          .instance = call.instance,
          .object = call.object,
          .time_left = std::chrono::nanoseconds(
              static_cast<std::int64_t>(std::min(call.time_left_ns, kMost)))};
}

}  // namespace

Status Session::State::receive(const Frame& frame, const DescriptorSource& source, Event& event,
                               bool& made) {
  switch (frame.type()) {
    case FrameType::kCall:
      return on_call(frame, source, event, made);
    case FrameType::kReply:
      return on_reply(frame, source, event, made);
    case FrameType::kChunk:
      return on_chunk(frame, event, made);
    case FrameType::kCancel:
      return frame.of_reply() ? on_reply_cut_off(frame, event, made)
                              : on_cancel(frame, event, made);
    case FrameType::kCredit:
      return {};
    case FrameType::kGoAway:
      return on_go_away(frame, event, made);
    case FrameType::kPing:
      // One PONG answers all PINGs before it: a peer that asks and never reads costs nothing.
      pong_due = true;
      pong_token = frame.header.call_id;
      return {};
    case FrameType::kPong:
      return on_pong(frame);
  }
  return {};  // of a newer version, and may be skipped
}

Status Session::State::charge(const Frame& frame) {
  const std::uint32_t bytes = frame.header.message_bytes;
  if (bytes > options.message_bytes) {
    return Status::resource_exhausted("the peer sent a message of " + std::to_string(bytes) +
                                      " bytes, over the limit of " +
                                      std::to_string(options.message_bytes) + " it was told");
  }
  return receive_window.charge(kMessageOverhead + bytes, frame.header.attachments > 0);
}

Status Session::State::on_call(const Frame& frame, const DescriptorSource& source, Event& event,
                               bool& made) {
  const CallId id = frame.header.call_id;
  if (!in_calls.in_range(id)) {
    return Status::resource_exhausted("the peer started " + call_text(id) + " in slot " +
                                      std::to_string(slot_of(id)) + ", far over its limit of " +
                                      std::to_string(in_calls.limit()) + " calls in flight");
  }
  InCalls::Call* call = in_calls.add(id);
  if (call == nullptr) {
    return Status::invalid_argument("the peer started " + call_text(id) +
                                    " in a slot whose call has not ended");
  }
  if (Status status = charge(frame); !status.ok()) return status;
  const bool whole = frame.message.size() == frame.header.message_bytes;
  if (in_calls.over_limit(id)) {
    call->refusal = InCalls::Refusal::kTooMany;
  } else if (said_go_away) {
    call->refusal = InCalls::Refusal::kGoingAway;
  }
  call->state = InCalls::State::kArriving;
  ++calls_in;
  clear(event, Event::Kind::kCall, id);
  support::Attachments& attachments = event.message.attachments;
  if (Status status = take_attachments(frame, source, attachments); !status.ok()) return status;
  const bool refused = call->refusal != InCalls::Refusal::kNone;
  if (!whole) {
    call->message = std::make_unique<Assembly>(frame, kMessageOverhead + frame.header.message_bytes,
                                               std::move(attachments), !refused);
    attachments = {};
    return add_part(*call->message, 0, frame.message);
  }
  if (refused) {
    attachments = {};
    receive_window.release(kMessageOverhead + frame.header.message_bytes,
                           frame.header.attachments > 0);
    refuse(*call);
    return {};
  }
  call->state = InCalls::State::kDelivered;
  event.head = head_of(frame.call, frame.header.code_or_method);
  made = true;
  return take_small(frame, event.message);
}

void Session::State::refuse(InCalls::Call& call) {
  --calls_in;
  const InCalls::Refusal refusal = call.refusal;
  const CallId id = call.id;
  call.state = InCalls::State::kAnswered;
  if (refusal == InCalls::Refusal::kTooMany) {
    send_reply_status(
        id, Status::resource_exhausted("start a call: " + std::to_string(in_calls.limit()) +
                                       " are in flight on this connection, which is the limit"));
  } else {
    send_reply_status(id, Status::unavailable("start a call: the peer is going away"));
  }
}

Status Session::State::add_part(Assembly& assembly, std::uint32_t offset, Bytes part) {
  bytes_held -= assembly.held();
  Status status = assembly.add(offset, part);
  bytes_held += assembly.held();
  return status;
}

void Session::State::drop(std::unique_ptr<Assembly>& assembly) {
  bytes_held -= assembly->held();
  receive_window.release(assembly->cost(), assembly->with_descriptors());
  assembly.reset();
}

Status Session::State::on_chunk(const Frame& frame, Event& event, bool& made) {
  const CallId id = frame.header.call_id;
  if (frame.of_reply()) {
    OutCalls::Call* call = out_calls.find(id);
    if (call == nullptr || !call->reply) {
      return Status::invalid_argument("the peer sent a chunk of a reply to " + call_text(id) +
                                      ", of which no reply is arriving");
    }
    if (Status status = add_part(*call->reply, frame.header.message_bytes, frame.message);
        !status.ok()) {
      return status;
    }
    return call->reply->complete() ? finish_reply(id, *call, event, made) : Status();
  }
  InCalls::Call* call = in_calls.find(id);
  if (call == nullptr || call->state != InCalls::State::kArriving) {
    return Status::invalid_argument("the peer sent a chunk of " + call_text(id) +
                                    ", which is not arriving");
  }
  if (Status status = add_part(*call->message, frame.header.message_bytes, frame.message);
      !status.ok()) {
    return status;
  }
  return call->message->complete() ? finish_call(*call, event, made) : Status();
}

Status Session::State::finish_call(InCalls::Call& call, Event& event, bool& made) {
  if (call.refusal != InCalls::Refusal::kNone) {
    drop(call.message);
    refuse(call);
    return {};
  }
  call.state = InCalls::State::kDelivered;
  const std::unique_ptr<Assembly> message = std::move(call.message);
  bytes_held -= message->held();
  clear(event, Event::Kind::kCall, call.id);
  event.head = head_of(message->call(), message->method());
  made = true;
  return message->take(event.message);
}

Status Session::State::on_cancel(const Frame& frame, Event& event, bool& made) {
  const CallId id = frame.header.call_id;
  InCalls::Call* call = in_calls.find(id);
  if (call == nullptr) {
    cancel_answer(id);
    return {};
  }
  switch (call->state) {
    case InCalls::State::kArriving:
      drop(call->message);
      call->state = InCalls::State::kFree;
      --calls_in;
      return {};
    case InCalls::State::kDelivered:
      if (call->cancelled) return {};
      call->cancelled = true;
      clear(event, Event::Kind::kCancel, id);
      made = true;
      return {};
    case InCalls::State::kAnswered:
      cancel_answer(id);
      return {};
    case InCalls::State::kFree:
      return {};
  }
  return {};
}

// The peer's call was answered, and the peer doesn't want the answer: what of it was not sent needs
// not be. When all of it was, the two frames have crossed and there is nothing to do.
void Session::State::cancel_answer(CallId id) {
  const Status cancelled = Status::cancelled("the call was cancelled");
  if (const auto message = stop_waiting(true, id); message != nullptr) {
    send_reply_status(id, cancelled);
    pump();
    return;
  }
  const OutputQueue::Dropped dropped = queue.drop(true, id);
  if (dropped.part == OutputQueue::Dropped::kUnsent) {
    send_window.undo(dropped.cost, dropped.with_descriptors);
    send_reply_status(id, cancelled);
    pump();
  } else if (dropped.part == OutputQueue::Dropped::kHalfSent) {
    send_control(FrameType::kCancel, kOfReply, id, cancelled.code());
  }
}

Status Session::State::on_go_away(const Frame& frame, Event& event, bool& made) {
  if (peer_goes_away) return {};
  peer_goes_away = true;
  peer_goes_away_why = status_of(frame.header.code_or_method, frame.text());
  clear(event, Event::Kind::kGoAway, 0);
  event.status = peer_goes_away_why;
  made = true;
  return {};
}

Status Session::State::on_pong(const Frame& frame) {
  if (!ping_pending || frame.header.call_id != ping_token) {
    return Status::invalid_argument("the peer answered a PING that was not sent");
  }
  ping_pending = false;
  return {};
}

}  // namespace ferry::protocol
