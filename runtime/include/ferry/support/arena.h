// Arena: memory for what a View refers to and no message holds.
// For generated code; not for users.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <span>
#include <type_traits>

namespace ferry::support {

// Everything is freed with the arena; no destructor runs. The first kInlineBytes come from the
// arena itself, so that short lists allocate nothing. Thread safety: none.
class Arena {
 public:
  // Enough for a list of 64 texts.
  static constexpr std::size_t kInlineBytes = 1024;

  // `count` value-initialised elements.
  template <typename T>
  [[nodiscard]] std::span<T> make(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count == 0) return {};
    void* memory = memory_.allocate(count * sizeof(T), alignof(T));
    T* first = static_cast<T*>(memory);
    std::uninitialized_value_construct_n(first, count);
    return {first, count};
  }

 private:
  alignas(std::max_align_t) std::array<std::byte, kInlineBytes> first_;
  std::pmr::monotonic_buffer_resource memory_{first_.data(), first_.size()};
};

}  // namespace ferry::support
