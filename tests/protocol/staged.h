// A Session in the middle of things, for which every type of frame is valid.
#pragma once

#include <string>
#include <vector>

#include "tests/protocol/endpoint.h"

namespace ferry::protocol::testing {

// Has calls in flight in every state, both ways. Feed it with take().
class Staged {
 public:
  Staged();

  // Gives it these bytes; descriptors are there whenever it asks for some.
  bool take(Bytes bytes);
  [[nodiscard]] const Status& failure() const noexcept { return failure_; }
  [[nodiscard]] std::size_t events() const noexcept { return events_; }

  Session session;
  // Calls of ours:
  CallId sent = 0;              // no answer came
  CallId cancelled = 0;         // the same, but cancelled
  CallId answered_in_part = 0;  // the first 8 KiB of 16 of the reply came
  CallId waiting = 0;           // not sent: no credit
  // Calls of the peer:
  static constexpr CallId kDelivered = 0x10000;
  static constexpr CallId kArriving = 0x10001;  // the first 8 KiB of 16 came
  static constexpr CallId kFree = 0x10002;

 private:
  std::vector<std::uint64_t> input_;
  std::size_t held_ = 0;
  Status failure_;
  std::size_t events_ = 0;
};

struct NamedFrame {
  std::string name;
  RawFrame frame;
};
// One frame of each type and shape, each valid for a Staged.
std::vector<NamedFrame> valid_frames(const Staged& staged);

}  // namespace ferry::protocol::testing
