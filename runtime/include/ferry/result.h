// Result<T>: a T, or the Status that says why there is none.
#pragma once

#include <cassert>
#include <concepts>
#include <type_traits>
#include <utility>
#include <variant>

#include <ferry/status.h>

namespace ferry {

// Thread safety: as for T.
template <typename T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T> && !std::is_same_v<std::remove_cv_t<T>, Status>);

 public:
  // A result that failed. An OK status carries no value, so it is our caller's bug: INTERNAL.
  Result(Status status)  // NOLINT(google-explicit-constructor): `return Status` is the point
      : state_(std::in_place_index<1>, status.ok()
                                           ? Status::internal("a Result was made from an OK status")
                                           : std::move(status)) {}
  template <typename U = T>
  requires(std::constructible_from<T, U&&> && !std::same_as<std::remove_cvref_t<U>, Result> &&
           !std::same_as<std::remove_cvref_t<U>, Status>)
      Result(U&& value)  // NOLINT(google-explicit-constructor): `return value` is the point
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  // A result that holds T().
  explicit Result(std::in_place_t) : state_(std::in_place_index<0>) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  // The value. Precondition: ok().
  [[nodiscard]] T& operator*() & noexcept { return value(); }
  [[nodiscard]] const T& operator*() const& noexcept { return value(); }
  [[nodiscard]] T&& operator*() && noexcept { return std::move(value()); }
  [[nodiscard]] T* operator->() noexcept { return &value(); }
  [[nodiscard]] const T* operator->() const noexcept { return &value(); }

  // Why there is no value; OK when there is one.
  [[nodiscard]] Status status() const { return ok() ? Status() : *std::get_if<1>(&state_); }

 private:
  T& value() noexcept {
    assert(ok() && "Result dereferenced without a value");
    return *std::get_if<0>(&state_);
  }
  const T& value() const noexcept {
    assert(ok() && "Result dereferenced without a value");
    return *std::get_if<0>(&state_);
  }

  std::variant<T, Status> state_;
};

// What main() should return for `result`: see exit_code(Status).
template <typename T>
[[nodiscard]] int exit_code(const Result<T>& result) {
  return exit_code(result.status());
}

}  // namespace ferry
