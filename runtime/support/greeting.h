// Greeting: what the two ends of a connection tell each other before the first call.
// It travels inside the handshake, which does not look into it (docs/handshake.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ferry/limits.h>
#include <ferry/result.h>

namespace ferry::support {

// A service instance that the greeting end serves.
struct ServiceEntry {
  std::uint32_t instance = 0;
  std::string name;
  std::string interface_name;             // of interfaces[0], for people
  std::vector<std::uint64_t> interfaces;  // type ids: its own, then all it extends
};

struct Greeting {
  // What this end accepts.
  std::uint64_t message_bytes = limits::kMessageBytes;
  std::uint32_t window_bytes = limits::kConnectionWindowBytes;
  std::uint32_t calls_in_flight = limits::kCallsInFlight;
  std::vector<ServiceEntry> services;
};

[[nodiscard]] std::string encode_greeting(const Greeting& greeting);
// INVALID_ARGUMENT for bytes that are no greeting, or limits that make no sense.
[[nodiscard]] Result<Greeting> decode_greeting(std::string_view bytes);

}  // namespace ferry::support
