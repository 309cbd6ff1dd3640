#include "runtime/protocol/assembly.h"

#include <algorithm>
#include <new>
#include <utility>

namespace ferry::protocol {

namespace {

// Memory is taken as bytes arrive, not as a peer announces them: this much at once, which the
// window bounds anyway, and then four times what is there (so at most a third is copied more than
// once).
constexpr std::size_t kFirstBytes = std::size_t{1} << 20;

}  // namespace

Assembly::Assembly(const Frame& first, std::uint32_t cost, support::Attachments attachments,
                   bool kept)
    : call_(first.call),
      method_(first.header.code_or_method),
      segment_count_(first.segment_count),
      total_(first.header.message_bytes),
      cost_(cost),
      with_descriptors_(first.header.attachments > 0),
      kept_(kept) {
  if (kept) attachments_ = std::move(attachments);
}

Status Assembly::add(std::uint32_t offset, Bytes part) {
  if (offset != received_) {
    return Status::data_loss("the peer sent a chunk for byte " + std::to_string(offset) +
                             " of a message of which " + std::to_string(received_) +
                             " bytes had come");
  }
  if (part.size() > total_ - received_) {
    return Status::data_loss("the peer's chunks of a message of " + std::to_string(total_) +
                             " bytes have " + std::to_string(received_ + part.size()));
  }
  if (kept_ && !part.empty()) {
    if (Status status = reserve(received_ + part.size()); !status.ok()) return status;
    std::memcpy(reinterpret_cast<std::byte*>(storage_.get()) + received_, part.data(), part.size());
  }
  received_ += static_cast<std::uint32_t>(part.size());
  return {};
}

Status Assembly::reserve(std::size_t bytes) {
  if (bytes <= capacity_) return {};
  const std::size_t capacity =
      std::min<std::size_t>(total_, std::max({kFirstBytes, 4 * capacity_, bytes}));
  std::unique_ptr<std::uint64_t[]> storage(new (std::nothrow) std::uint64_t[capacity / 8]);
  if (!storage) {
    return Status::resource_exhausted("take in a message of " + std::to_string(total_) +
                                      " bytes: no memory for " + std::to_string(capacity));
  }
  if (received_ > 0) std::memcpy(storage.get(), storage_.get(), received_);
  storage_ = std::move(storage);
  capacity_ = capacity;
  return {};
}

void Assembly::discard() noexcept {
  kept_ = false;
  storage_.reset();
  capacity_ = 0;
  attachments_ = {};
}

Status Assembly::take(IncomingMessage& message) {
  message.storage = std::move(storage_);
  message.body = {reinterpret_cast<const std::byte*>(message.storage.get()), total_};
  message.segment_count = segment_count_;
  message.attachments = std::move(attachments_);
  message.cost = cost_;
  capacity_ = 0;
  return check_segments(message.body, segment_count_);
}

}  // namespace ferry::protocol
