// InputBuffer: the bytes of one connection that were read and not yet taken by its Session.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include <ferry/limits.h>

namespace ferry::drivers {

// Invariant: pending() starts 8-aligned, because frames are whole words; room() is never empty
// after settle(), because a Session takes every whole frame and none is larger than
// limits::kFrameBytes. Thread safety: none; the connection's reading thread uses it.
class InputBuffer {
 public:
  [[nodiscard]] std::span<std::byte> room() noexcept {
    if (!memory_) {  // untouched pages cost nothing: most connections use a few of them
      memory_ = std::make_unique_for_overwrite<std::uint64_t[]>(kBytes / sizeof(std::uint64_t));
    }
    return {base() + end_, kBytes - end_};
  }
  void filled(std::size_t bytes) noexcept {
    assert(bytes <= kBytes - end_);
    end_ += bytes;
  }
  [[nodiscard]] std::span<const std::byte> pending() noexcept {
    if (begin_ == end_) return {};
    return {base() + begin_, end_ - begin_};
  }
  // `rest` is what the Session left of pending(): a part of a frame, or nothing.
  void settle(std::span<const std::byte> rest) noexcept {
    begin_ = end_ - rest.size();
    if (begin_ == end_) {
      begin_ = end_ = 0;
    } else if (kBytes - begin_ < limits::kFrameBytes) {
      std::memmove(base(), rest.data(), rest.size());
      begin_ = 0;
      end_ = rest.size();
    }
  }

 private:
  static constexpr std::size_t kBytes = limits::kReceiveBufferBytes;
  static_assert(kBytes % sizeof(std::uint64_t) == 0 && kBytes >= 2 * limits::kFrameBytes);

  std::byte* base() noexcept { return reinterpret_cast<std::byte*>(memory_.get()); }

  std::unique_ptr<std::uint64_t[]> memory_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace ferry::drivers
