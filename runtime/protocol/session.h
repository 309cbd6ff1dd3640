// Session: the protocol state of one connection, without I/O.
//
// Bytes and a time go in, bytes and events come out. A Session makes no system call (but for
// closing descriptors it owns), reads no clock and starts no thread, so it can be driven by hand,
// fuzzed and simulated. docs/wire_protocol.md specifies the bytes.
//
// It is symmetric: either side may start calls; ids belong to the side that starts. A client is
// only the side that connected.
//
// Thread safety: none. The connection's lock guards it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <sys/uio.h>
#include <vector>

#include <ferry/limits.h>
#include <ferry/result.h>
#include <ferry/support/wire_message.h>
#include <ferry/unique_fd.h>

namespace ferry::protocol {

using support::Bytes;
using TimePoint = std::chrono::steady_clock::time_point;
using CallId = std::uint32_t;

using support::Attachments;

// A message on its way out. `segments` are Cap'n Proto segments: each 8-aligned, whole words.
// Messages of up to limits::kChunkBytes are copied at once. Of a larger one only references are
// kept: they must stay valid until the Session has sent all of it, or the call was cancelled with
// cancel(); `owner`, when given, is kept until then and may hold them.
struct OutgoingMessage {
  std::span<const Bytes> segments;
  Attachments attachments;
  std::shared_ptr<const void> owner;
};

// A message that came in. For a small one `body` refers to the input of the Session::next() that
// returned it and is valid until that input is changed; a large one was assembled in `storage`.
struct IncomingMessage {
  Bytes body;                       // 8-aligned, whole words
  std::uint32_t segment_count = 1;  // when > 1, body starts with the segment table
  Attachments attachments;
  std::uint32_t cost = 0;                    // bytes of window to give back: Session::release()
  std::unique_ptr<std::uint64_t[]> storage;  // owns body, or null
};

// The bytes of a message: its segments, and their table when there are several.
[[nodiscard]] std::uint64_t message_bytes(std::span<const Bytes> segments);

// Cuts `body` into its segments, checking every length. Fails with INVALID_ARGUMENT.
[[nodiscard]] Result<std::vector<Bytes>> split_segments(Bytes body, std::uint32_t segment_count);

// What a call asks for.
struct CallHead {
  std::uint64_t interface_id = 0;  // type id of the interface that declares the method
  std::uint16_t method = 0;        // its ordinal there
  std::uint32_t instance = 0;      // service instance, from the server's table
  std::uint32_t object = 0;        // target object; 0: the instance itself
  // Time left when the call was started; zero: no deadline.
  std::chrono::nanoseconds time_left{0};
};

struct Event {
  enum class Kind : std::uint8_t {
    kCall,    // the peer starts call `id`: head, message. Answer exactly once, with reply()
    kReply,   // our call `id` ended: status, and the message when OK
    kCancel,  // the peer no longer wants an answer to its call `id`; still answer it once
    kGoAway,  // the peer will start no new call and accept none; status says why
  };
  Kind kind = Kind::kCall;
  CallId id = 0;
  CallHead head;
  Status status;
  IncomingMessage message;
};

// Where the descriptors of incoming frames come from: `count` of them, appended to `into`.
using DescriptorSource = std::function<Status(std::size_t count, std::vector<UniqueFd>& into)>;

// What is to be written next. The descriptors belong to the first byte of the first buffer.
struct Output {
  std::vector<iovec> bytes;      // reused by the caller, so that no call allocates
  std::vector<int> descriptors;  // still owned by the Session
};

class Session {
 public:
  struct Options {
    // What we accept, and told the peer in the handshake.
    std::size_t message_bytes = limits::kMessageBytes;
    std::uint32_t window_bytes = limits::kConnectionWindowBytes;
    std::uint32_t calls_in_flight = limits::kCallsInFlight;
    // What the peer told us that it accepts.
    std::size_t peer_message_bytes = limits::kMessageBytes;
    std::uint32_t peer_window_bytes = limits::kConnectionWindowBytes;
    std::uint32_t peer_calls_in_flight = limits::kCallsInFlight;
  };

  explicit Session(const Options& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // ---- out

  // Starts a call. RESOURCE_EXHAUSTED, and nothing sent: the message is over the peer's limit (both
  // numbers are in the text), too many descriptors, too many calls in flight. UNAVAILABLE after
  // kGoAway.
  [[nodiscard]] Result<CallId> start_call(const CallHead& head, OutgoingMessage message);
  // Answers the peer's call. A reply that cannot be sent (too large, too many descriptors) is
  // replaced by the RESOURCE_EXHAUSTED that says why, which is also returned.
  Status reply(CallId id, OutgoingMessage message);
  void reply(CallId id, const Status& status);  // precondition: !status.ok()
  // Tells the peer that nobody waits for our call `id` any more, and forgets the call: a reply that
  // still comes is dropped, and its descriptors closed.
  void cancel(CallId id);
  // We will start no more calls and accept none.
  void go_away(const Status& why);
  // Gives back `cost` bytes of window, when the message they were of has been dealt with.
  // `with_descriptors`: it carried some.
  void release(std::uint32_t cost, bool with_descriptors);

  // Asks the peer for a sign of life. False while the last one was not answered: nothing is sent.
  bool ping();
  [[nodiscard]] bool ping_pending() const noexcept;

  [[nodiscard]] bool has_output() const noexcept;
  // Fills `output` (cleared first) with what may be written now: at most 16 buffers, at most one
  // message's descriptors. False when there is nothing. The buffers stay where they are until
  // written(), whatever is called in between; but those of a large message whose call ends
  // meanwhile are its owner's, and must stay valid until then.
  bool output(Output& output);
  // `bytes` of the last output() were written, and its descriptors if bytes > 0.
  // Nothing need be said when none were: the next output() then begins with the same bytes. Must be
  // called before a next() that may see an answer to what was written.
  void written(std::size_t bytes);

  // ---- in

  // Takes the next whole frames from the front of `input` (8-aligned), advancing it, until one
  // makes an event. False: `input` holds no further whole frame; keep the rest and call again with
  // more behind it. A failed Status means the peer broke the protocol: the connection must end.
  [[nodiscard]] Result<bool> next(Bytes& input, TimePoint now, const DescriptorSource& source,
                                  Event& event);

  // ---- state, for diagnosis and tests

  [[nodiscard]] std::size_t calls_out() const noexcept;   // started by us, not ended
  [[nodiscard]] std::size_t calls_in() const noexcept;    // started by the peer, not answered
  [[nodiscard]] std::size_t bytes_held() const noexcept;  // of incomplete incoming messages
  [[nodiscard]] std::size_t backlog()
      const noexcept;  // message bytes that wait for the peer's credit
  // Messages that wait for the peer's credit, or for what is sent before them.
  [[nodiscard]] std::size_t messages_waiting() const noexcept;
  // What the peer lets us send now, in bytes; negative while a large message is on its way.
  [[nodiscard]] std::int64_t window_left() const noexcept;
  // What the peer sent and was not given back to it, in bytes: not released, or not told yet.
  [[nodiscard]] std::int64_t window_charged() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ferry::protocol
