// Session::State, the way in: replies to calls of ours.
#include <string>
#include <utility>

#include "runtime/protocol/events.h"
#include "runtime/protocol/session_state.h"

namespace ferry::protocol {

Status Session::State::finish_reply(CallId id, OutCalls::Call& call, Event& event, bool& made) {
  const bool wanted = call.state != OutCalls::State::kCancelled;
  if (!wanted) {
    drop(call.reply);
    out_calls.remove(id, call);
    return {};
  }
  const std::unique_ptr<Assembly> message = std::move(call.reply);
  bytes_held -= message->held();
  out_calls.remove(id, call);
  --calls_out;
  clear(event, Event::Kind::kReply, id);
  made = true;
  return message->take(event.message);
}

Status Session::State::on_reply(const Frame& frame, const DescriptorSource& source, Event& event,
                                bool& made) {
  const CallId id = frame.header.call_id;
  OutCalls::Call* call = out_calls.find(id);
  if (call == nullptr) {
    return Status::invalid_argument("the peer replied to " + call_text(id) +
                                    ", which is not in flight");
  }
  const bool sending = call->state == OutCalls::State::kSending && queue.sending(false, id);
  if (call->state == OutCalls::State::kWaiting || sending || call->reply) {
    return Status::invalid_argument("the peer replied to " + call_text(id) +
                                    (call->reply ? " twice" : " before it was sent"));
  }
  if (Status status = charge(frame); !status.ok()) return status;
  const std::uint32_t cost = kMessageOverhead + frame.header.message_bytes;
  const bool wanted = call->state != OutCalls::State::kCancelled;
  clear(event, Event::Kind::kReply, id);
  support::Attachments& attachments = event.message.attachments;
  if (Status status = take_attachments(frame, source, attachments); !status.ok()) return status;
  const bool is_ok = frame.header.code_or_method == 0;
  if (is_ok && frame.message.size() < frame.header.message_bytes) {
    call->reply = std::make_unique<Assembly>(frame, cost, std::move(attachments), wanted);
    attachments = {};
    return add_part(*call->reply, 0, frame.message);
  }
  out_calls.remove(id, *call);
  if (wanted) --calls_out;
  if (!wanted || !is_ok) {
    attachments = {};
    receive_window.release(cost, frame.header.attachments > 0);
  }
  if (!wanted) return {};
  made = true;
  if (is_ok) return take_small(frame, event.message);
  event.status = status_of(frame.header.code_or_method, frame.text());
  return {};
}

Status Session::State::on_reply_cut_off(const Frame& frame, Event& event, bool& made) {
  const CallId id = frame.header.call_id;
  OutCalls::Call* call = out_calls.find(id);
  if (call == nullptr || !call->reply) {
    return Status::invalid_argument("the peer cut off a reply to " + call_text(id) +
                                    ", of which no reply is arriving");
  }
  drop(call->reply);
  const bool wanted = call->state != OutCalls::State::kCancelled;
  out_calls.remove(id, *call);
  if (!wanted) return {};
  --calls_out;
  clear(event, Event::Kind::kReply, id);
  event.status = status_of(frame.header.code_or_method, "the peer cut its reply off");
  made = true;
  return {};
}

}  // namespace ferry::protocol
