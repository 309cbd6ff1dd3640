// A message between the typed world and the protocol: bytes and descriptors, no kj type.
// For ferry's own code and for generated code; not for users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <ferry/unique_fd.h>

namespace ferry::support {

using Bytes = std::span<const std::byte>;

// Descriptors beside a message. Capability pointers in the message hold a slot number; descriptor i
// is what slot slots[i] stands for. Slots are strictly increasing and below
// limits::kAttachmentSlots; a slot that is not listed is null.
struct Attachments {
  std::vector<std::uint16_t> slots;
  std::vector<UniqueFd> descriptors;  // as many as slots
  [[nodiscard]] bool empty() const noexcept { return descriptors.empty(); }
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
