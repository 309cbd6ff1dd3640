// A message between the typed world and the protocol: bytes and descriptors, no kj type.
// For ferry's own code and for generated code; not for users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <ferry/unique_fd.h>

namespace ferry::support {

using Bytes = std::span<const std::byte>;

// Descriptors beside a message. Capability pointers in the message hold a slot number; descriptor i
// is what slot slots[i] stands for. Slots are strictly increasing and below
// limits::kAttachmentSlots; a slot that is not listed is null.
struct Attachments {
  Attachments() = default;
  Attachments(Attachments&&) noexcept = default;
  Attachments& operator=(Attachments&& other) noexcept {
    discard_all();
    slots = std::move(other.slots);
    descriptors = std::move(other.descriptors);
    return *this;
  }
  Attachments(const Attachments&) = delete;
  Attachments& operator=(const Attachments&) = delete;
  // What nobody took may be a peer's.
  ~Attachments() { discard_all(); }

  std::vector<std::uint16_t> slots;
  std::vector<UniqueFd> descriptors;  // as many as slots
  [[nodiscard]] bool empty() const noexcept { return descriptors.empty(); }
  void discard_all() noexcept {
    for (UniqueFd& each : descriptors) discard(std::move(each));
    descriptors.clear();
    slots.clear();
  }
};

// Memory that a received message stands in. recycle() gives it back (to a pool, to the heap), with
// the flow-control credit it held; called once, from any thread.
class MessageStorage {
 public:
  virtual void recycle() noexcept = 0;

 protected:
  ~MessageStorage() = default;
};
struct RecycleStorage {
  void operator()(MessageStorage* storage) const noexcept { storage->recycle(); }
};
using StoragePtr = std::unique_ptr<MessageStorage, RecycleStorage>;

// A received message: 8-aligned whole words, private to this process, and what came with it.
struct WireMessage {
  Bytes body;
  std::uint32_t segment_count = 1;  // when > 1, body starts with the segment table
  Attachments attachments;
  StoragePtr storage;  // null when `body` is lent for the duration of a call
};

}  // namespace ferry::support
