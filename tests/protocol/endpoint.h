// Two Sessions back to back, without a kernel between them: for the tests of the protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/protocol/frame.h"
#include "runtime/protocol/session.h"

namespace ferry::protocol::testing {

// Bytes and descriptors on their way to one Session.
struct Wire {
  std::vector<std::byte> bytes;
  std::deque<std::vector<UniqueFd>> descriptors;
};

// An event whose message doesn't refer to input that is gone.
struct OwnedEvent {
  Event event;
  std::vector<std::uint64_t> body;
  [[nodiscard]] Bytes message() const {
    return event.message.storage ? event.message.body
                                 : std::as_bytes(std::span(body)).first(event.message.body.size());
  }
};

class Endpoint {
 public:
  Endpoint(const Session::Options& options, Wire& in, Wire& out)
      : session(options), in_(in), out_(out) {}

  // Moves up to `bytes` of output to the wire. Returns what was moved.
  std::size_t send(std::size_t bytes = SIZE_MAX);
  // Takes up to `bytes` from the wire into the Session. False when it fails; `failure` says why.
  bool receive(std::vector<OwnedEvent>& events, std::size_t bytes = SIZE_MAX);
  // The one event that the bytes on the wire make.
  OwnedEvent receive_one();

  Session session;
  Status failure;
  std::size_t most_buffers = 0;  // of one output

 private:
  Wire& in_;
  Wire& out_;
  std::vector<std::uint64_t> input_;  // words, so that it is aligned
  std::size_t held_ = 0;              // bytes in input_
};

struct Pair {
  explicit Pair(const Session::Options& a_options = {}, const Session::Options& b_options = {})
      : a(a_options, to_a, to_b), b(b_options, to_b, to_a) {}
  Wire to_a;
  Wire to_b;
  Endpoint a;
  Endpoint b;
  // Moves everything both ways until nothing moves; what happens at each end is appended.
  void run(std::vector<OwnedEvent>& at_a, std::vector<OwnedEvent>& at_b);
};

// `words` words, each made from `seed` and its place.
std::vector<std::uint64_t> words(std::size_t count, std::uint64_t seed = 1);
Bytes bytes_of(const std::vector<std::uint64_t>& words);

// A message of one segment. Refers to `segment`.
OutgoingMessage message_of(const Bytes& segment);
// The same with `count` descriptors, in slots 0, 2, 4, ...
OutgoingMessage message_with_descriptors(const Bytes& segment, std::size_t count);

// A new descriptor of a file that is there on every machine.
UniqueFd some_descriptor();
// Descriptors this process has open.
std::size_t open_descriptors();

// ---- frames by hand

struct RawFrame {
  FrameHeader header;
  std::vector<std::byte> rest;
  // Behind one another, with the size set, unless it was set before.
  [[nodiscard]] std::vector<std::byte> bytes() const;
};
RawFrame raw_call(std::uint32_t id, const std::vector<std::uint64_t>& message,
                  std::uint32_t segments = 1, const std::vector<std::uint16_t>& slots = {});
RawFrame raw_reply(std::uint32_t id, const std::vector<std::uint64_t>& message,
                   std::uint32_t segments = 1, const std::vector<std::uint16_t>& slots = {});
RawFrame raw_reply_text(std::uint32_t id, std::uint16_t code, std::string_view text);
RawFrame raw_chunk(std::uint32_t id, bool of_reply, std::uint32_t offset,
                   const std::vector<std::uint64_t>& part);
RawFrame raw_bare(FrameType type, std::uint32_t id = 0, std::uint8_t flags = 0);
RawFrame raw_go_away(std::uint16_t code, std::string_view text);

}  // namespace ferry::protocol::testing
