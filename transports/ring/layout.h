// The memory that the two sides of a lane with rings share: one page of control words, then the
// data of both rings. Both sides compute the same layout from the ring's size alone, so no offset
// or length is ever read from the memory.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>

#include <ferry/limits.h>

#include "transports/ring/ring.h"
#include "transports/ring/sleepers.h"

namespace ferry::transports::ring {

enum class Side : std::uint8_t { kServer, kClient };

// One page, whatever the page size: 64 KiB pages (arm64) hold it too, as part of the whole.
inline constexpr std::size_t kControlBytes = 4096;
// What a transport may put into the control page for its bells (POSIX semaphores).
inline constexpr std::size_t kBellBytes = 1024;

struct Control {
  Indices to_server;
  Indices to_client;
  Sleepers server;
  Sleepers client;
  alignas(kLineBytes) std::byte bells[kBellBytes];
};
static_assert(sizeof(Control) <= kControlBytes);

[[nodiscard]] constexpr bool ring_bytes_valid(std::uint64_t bytes) noexcept {
  return std::has_single_bit(bytes) && bytes >= limits::kRingBytesLeast &&
         bytes <= limits::kRingBytesMost;
}

// What to say about a size that is not.
[[nodiscard]] inline std::string bad_ring_bytes(std::string_view transport, std::uint64_t bytes) {
  return std::string(transport) + ": a ring of " + std::to_string(bytes) +
         " bytes: it must be a power of two from " + std::to_string(limits::kRingBytesLeast) +
         " to " + std::to_string(limits::kRingBytesMost);
}

[[nodiscard]] constexpr std::size_t segment_bytes(std::size_t ring_bytes) noexcept {
  return kControlBytes + 2 * ring_bytes;
}

// One side's view of a mapped segment. Refers to the mapping, which must outlive it.
struct View {
  Control* control;
  std::byte* to_server;
  std::byte* to_client;
  std::size_t ring_bytes;
  Side side;

  View(std::byte* segment, std::size_t bytes, Side whose) noexcept
      : control(std::launder(reinterpret_cast<Control*>(segment))),
        to_server(segment + kControlBytes),
        to_client(segment + kControlBytes + bytes),
        ring_bytes(bytes),
        side(whose) {}

  [[nodiscard]] bool server() const noexcept { return side == Side::kServer; }
  [[nodiscard]] Sleepers& own() const noexcept {
    return server() ? control->server : control->client;
  }
  [[nodiscard]] const Sleepers& peer() const noexcept {
    return server() ? control->client : control->server;
  }
  [[nodiscard]] Writer writer() const noexcept {
    return server() ? Writer(control->to_client, to_client, ring_bytes)
                    : Writer(control->to_server, to_server, ring_bytes);
  }
  [[nodiscard]] Indices& input() const noexcept {
    return server() ? control->to_server : control->to_client;
  }
  [[nodiscard]] const std::byte* input_data() const noexcept {
    return server() ? to_server : to_client;
  }
};

// Makes the control page of a new segment. The server calls it, before the client can see it.
inline void construct(std::byte* segment) noexcept { new (segment) Control; }

}  // namespace ferry::transports::ring
