// Assembly: a large message on its way in, of which a part has arrived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "runtime/protocol/frame.h"
#include "runtime/protocol/session.h"

namespace ferry::protocol {

class Assembly {
 public:
  // `first` is the CALL or REPLY it begins with; `kept` false: only count what comes.
  Assembly(const Frame& first, std::uint32_t cost, support::Attachments attachments, bool kept);

  // The next part, at `offset` of the message. DATA_LOSS when it doesn't follow what came before or
  // overflows the message; RESOURCE_EXHAUSTED when there is no memory.
  [[nodiscard]] Status add(std::uint32_t offset, Bytes part);
  [[nodiscard]] bool complete() const noexcept { return received_ == total_; }

  // Nobody wants it any more: frees what arrived, and goes on counting.
  void discard() noexcept;
  [[nodiscard]] bool kept() const noexcept { return kept_; }

  [[nodiscard]] const CallFields& call() const noexcept { return call_; }
  [[nodiscard]] std::uint16_t method() const noexcept { return method_; }
  [[nodiscard]] std::uint32_t cost() const noexcept { return cost_; }
  [[nodiscard]] bool with_descriptors() const noexcept { return with_descriptors_; }
  // Bytes of memory it holds.
  [[nodiscard]] std::size_t held() const noexcept { return capacity_; }

  // The whole message, its segment table checked. Precondition: complete() and kept().
  [[nodiscard]] Status take(IncomingMessage& message);

 private:
  [[nodiscard]] Status reserve(std::size_t bytes);

  CallFields call_;
  std::uint16_t method_;
  std::uint32_t segment_count_;
  std::uint32_t total_;
  std::uint32_t received_ = 0;
  std::uint32_t cost_;
  bool with_descriptors_;
  bool kept_;
  support::Attachments attachments_;
  std::unique_ptr<std::uint64_t[]> storage_;
  std::size_t capacity_ = 0;  // bytes
};

}  // namespace ferry::protocol
