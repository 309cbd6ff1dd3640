// What a Session is made of. Private to session*.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>

#include "runtime/protocol/call_table.h"
#include "runtime/protocol/flow_control.h"
#include "runtime/protocol/frame.h"
#include "runtime/protocol/large_message.h"
#include "runtime/protocol/output_queue.h"
#include "runtime/protocol/session.h"

namespace ferry::protocol {

// A message that waits for credit: a small one copied, of a large one the references.
struct WaitingMessage {
  MessageHead head;
  support::Attachments attachments;   // of a small one
  std::unique_ptr<std::byte[]> body;  // of a small one, padded
  std::unique_ptr<LargeMessage> large;
  [[nodiscard]] bool with_descriptors() const noexcept {
    return large ? large->with_descriptors() : !attachments.empty();
  }
};

struct Session::State {
  explicit State(const Options& from);

  // ---- out (session_out.cc)

  // Nobody waits before it, and there is credit.
  [[nodiscard]] bool may_start(std::uint32_t cost, bool with_descriptors) const noexcept {
    return waiting.empty() && queue.has_room() && send_window.may_start(cost, with_descriptors);
  }
  // Why `message`, of `bytes` in all, can't be sent to this peer.
  [[nodiscard]] Status check_outgoing(const OutgoingMessage& message, std::uint64_t bytes) const;
  // Sends it, now or when there is credit. True: it started.
  bool send(const MessageHead& head, OutgoingMessage&& message);
  bool send_large(const MessageHead& head, OutgoingMessage&& message);
  void encode_small(const MessageHead& head, std::span<const Bytes> segments,
                    support::Attachments& attachments);
  void start(WaitingMessage& message);
  // Starts what waits, in order of arrival, while there is credit.
  void pump();
  void send_reply_status(CallId id, const Status& status);
  // A frame that is a header only, or a header and a text.
  void send_control(FrameType type, std::uint8_t flags, std::uint32_t call_id, StatusCode code,
                    std::string_view text = {});
  // Removes the message of that call from those that wait. Null when it doesn't wait.
  std::unique_ptr<WaitingMessage> stop_waiting(bool of_reply, CallId id);
  // The reply got its credit, or needs none any more.
  void answered(CallId id);

  // ---- in (session_in.cc)

  // One frame. `made`: it made an event.
  [[nodiscard]] Status receive(const Frame& frame, const DescriptorSource& source, Event& event,
                               bool& made);
  [[nodiscard]] Status on_call(const Frame& frame, const DescriptorSource& source, Event& event,
                               bool& made);
  [[nodiscard]] Status on_reply(const Frame& frame, const DescriptorSource& source, Event& event,
                                bool& made);
  [[nodiscard]] Status on_chunk(const Frame& frame, Event& event, bool& made);
  [[nodiscard]] Status on_cancel(const Frame& frame, Event& event, bool& made);
  [[nodiscard]] Status on_reply_cut_off(const Frame& frame, Event& event, bool& made);
  [[nodiscard]] Status on_go_away(const Frame& frame, Event& event, bool& made);
  [[nodiscard]] Status on_pong(const Frame& frame);
  // The size and the cost of a message that begins.
  [[nodiscard]] Status charge(const Frame& frame);
  [[nodiscard]] Status add_part(Assembly& assembly, std::uint32_t offset, Bytes part);
  void drop(std::unique_ptr<Assembly>& assembly);  // and gives its cost back
  [[nodiscard]] Status finish_call(InCalls::Call& call, Event& event, bool& made);
  [[nodiscard]] Status finish_reply(CallId id, OutCalls::Call& call, Event& event, bool& made);
  void refuse(InCalls::Call& call);
  void cancel_answer(CallId id);

  Options options;
  SendWindow send_window;
  ReceiveWindow receive_window;
  OutputQueue queue;
  std::deque<std::unique_ptr<WaitingMessage>> waiting;
  std::size_t waiting_bytes = 0;
  OutCalls out_calls;
  InCalls in_calls;
  std::size_t calls_out = 0;
  std::size_t calls_in = 0;
  std::size_t bytes_held = 0;
  Status failure;  // the peer broke the protocol
  bool failed = false;
  bool said_go_away = false;
  bool peer_goes_away = false;
  Status peer_goes_away_why;
  bool pong_due = false;
  std::uint32_t pong_token = 0;
  bool ping_pending = false;
  std::uint32_t ping_token = 0;
};

}  // namespace ferry::protocol
