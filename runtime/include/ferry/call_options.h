// CallOptions: what a caller may say about one call.
#pragma once

#include <chrono>
#include <string_view>

namespace ferry {

inline constexpr std::chrono::nanoseconds kNoDeadline = std::chrono::nanoseconds::max();

// Trivially destructible on purpose: g++ 12 destroys a braced aggregate with a non-trivial
// destructor twice inside a co_await expression.
struct CallOptions {
  // The time the call may take from now, all of it: connecting, sending, the handler, the reply.
  // With none left, zero or less, the call is DEADLINE_EXCEEDED and nothing is sent.
  std::chrono::nanoseconds deadline = kNoDeadline;
  // The transport this call must travel on ("memfd"), or empty for whichever the channel has.
  // FAILED_PRECONDITION, and nothing sent, when the channel has another.
  std::string_view transport = {};
};

}  // namespace ferry
