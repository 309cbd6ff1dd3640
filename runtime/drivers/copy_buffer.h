// CopyBuffer: memory for a copy of one small message at a time, kept for the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include <ferry/support/wire_message.h>

namespace ferry::drivers {

// Thread safety: none.
class CopyBuffer {
 public:
  // The copy: whole words, 8-aligned, valid until the next one.
  [[nodiscard]] support::Bytes copy(support::Bytes body) {
    if (body.size() > capacity_) reserve(body.size());
    if (!body.empty()) std::memcpy(words_.get(), body.data(), body.size());
    return {reinterpret_cast<const std::byte*>(words_.get()), body.size()};
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }  // in bytes

 private:
  static constexpr std::size_t kStep = 512;  // bytes: so that messages of like sizes share one

  void reserve(std::size_t bytes) {
    capacity_ = (bytes + kStep - 1) / kStep * kStep;
    words_ = std::make_unique_for_overwrite<std::uint64_t[]>(capacity_ / sizeof(std::uint64_t));
  }

  std::unique_ptr<std::uint64_t[]> words_;
  std::size_t capacity_ = 0;
};

}  // namespace ferry::drivers
