// Box: an owned value, or none, for structs that contain themselves.
#pragma once

#include <memory>
#include <utility>

namespace ferry {

// Holds a T on the heap, so that T may be the struct that the Box is in. Movable.
// Thread safety: as for T.
template <typename T>
class Box {
 public:
  Box() noexcept = default;
  Box(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
  Box(T value)                     // NOLINT(google-explicit-constructor): boxes in braces
      : value_(std::make_unique<T>(std::move(value))) {}

  [[nodiscard]] bool has_value() const noexcept { return value_ != nullptr; }
  explicit operator bool() const noexcept { return has_value(); }

  // The value. Precondition: has_value().
  [[nodiscard]] T& operator*() noexcept { return *value_; }
  [[nodiscard]] const T& operator*() const noexcept { return *value_; }
  [[nodiscard]] T* operator->() noexcept { return value_.get(); }
  [[nodiscard]] const T* operator->() const noexcept { return value_.get(); }

  // Puts a new, default value in.
  T& emplace() {
    value_ = std::make_unique<T>();
    return *value_;
  }
  void reset() noexcept { value_.reset(); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace ferry
