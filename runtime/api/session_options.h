// What the two greetings of a connection mean for its Session.
#pragma once

#include <cstddef>

#include "runtime/protocol/session.h"
#include "runtime/support/greeting.h"

namespace ferry::api {

// `message_bytes`: the largest message that we accept, as our own greeting said.
[[nodiscard]] inline protocol::Session::Options session_options(std::size_t message_bytes,
                                                                const support::Greeting& peer) {
  protocol::Session::Options options;
  options.message_bytes = message_bytes;
  options.peer_message_bytes = peer.message_bytes;
  options.peer_window_bytes = peer.window_bytes;
  options.peer_calls_in_flight = peer.calls_in_flight;
  return options;
}

}  // namespace ferry::api
