// UniqueFd owns a file descriptor; FdArg hands one to a call, lent or given.
#pragma once

#include <utility>

#include <ferry/result.h>

namespace ferry {

// Owns one descriptor and closes it exactly once. Movable, not copyable.
// Thread safety: as for an int.
class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}  // takes ownership; negative means none
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
  explicit operator bool() const noexcept { return valid(); }

  // Gives up ownership: the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  // Closes what is held and takes `fd`. errno is preserved.
  void reset(int fd = -1) noexcept;
  // A second descriptor for the same open file description (F_DUPFD_CLOEXEC). INVALID_ARGUMENT when
  // there is none; RESOURCE_EXHAUSTED when the process's descriptor table is full.
  [[nodiscard]] Result<UniqueFd> duplicate() const;

 private:
  int fd_ = -1;
};

// Closes a descriptor that somebody else sent and nobody wants. Does not wait for a socket to send
// what is in it, however long its SO_LINGER says (socket(7)). errno is preserved.
void discard(UniqueFd fd) noexcept;

// A descriptor as an argument of a call: lent by an lvalue (the caller keeps it), given by
// std::move (the call takes it at once and closes it, whatever becomes of the call), or none.
//
// An FdArg is trivially destructible and only refers to the caller's UniqueFd, which must live
// until the call function returns. A handler receives its descriptors as FdArgs too: the runtime
// owns them and closes what the handler has not taken with take().
class FdArg {
 public:
  constexpr FdArg() noexcept = default;
  FdArg(const UniqueFd& lent) noexcept  // NOLINT(google-explicit-constructor)
      : fd_(lent.get()) {}
  FdArg(UniqueFd&& given) noexcept  // NOLINT(google-explicit-constructor)
      : fd_(given.get()), given_(&given) {}
  // Lends a bare descriptor, which must stay open until the call function returns.
  [[nodiscard]] static FdArg lend(int fd) noexcept {
    FdArg arg;
    arg.fd_ = fd;
    return arg;
  }

  [[nodiscard]] int get() const noexcept { return given_ != nullptr ? given_->get() : fd_; }
  [[nodiscard]] bool valid() const noexcept { return get() >= 0; }
  explicit operator bool() const noexcept { return valid(); }
  [[nodiscard]] bool given() const noexcept { return given_ != nullptr; }

  // The descriptor as the caller's own: moved out of where it was given, duplicated when only lent.
  // INVALID_ARGUMENT when there is none, or no longer; a duplicate may fail as duplicate() does.
  [[nodiscard]] Result<UniqueFd> take() const;

 private:
  int fd_ = -1;
  UniqueFd* given_ = nullptr;
};

}  // namespace ferry
