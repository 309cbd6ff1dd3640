// Status: how an operation ended, as a value.
//
// The codes are gRPC's 17 canonical ones, with gRPC's numbers, so that what people know about them
// holds here. A Status is cheap when OK (no allocation) and prints as `CODE: what, on what: why`.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace ferry {

// gRPC's canonical status codes (grpc/doc/statuscodes.md). The numbers travel on the wire.
enum class StatusCode : std::uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// "INVALID_ARGUMENT" and so on; "UNKNOWN" for a number that is none of the 17.
[[nodiscard]] std::string_view name(StatusCode code) noexcept;

// Thread safety: const members may be called from several threads.
class [[nodiscard]] Status {
 public:
  Status() noexcept = default;  // OK
  // A `message` with kOk is dropped: success needs no words.
  Status(StatusCode code, std::string message)
      : why_(code == StatusCode::kOk ? nullptr : new Why{code, std::move(message)}) {}
  Status(const Status& other) : why_(other.why_ ? new Why(*other.why_) : nullptr) {}
  Status& operator=(const Status& other) {
    if (this != &other) why_.reset(other.why_ ? new Why(*other.why_) : nullptr);
    return *this;
  }
  // What is moved from is OK.
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;
  ~Status() = default;

  // One factory a code. `message` says what was tried, on what, and why it failed.
  static Status cancelled(std::string message) {
    return {StatusCode::kCancelled, std::move(message)};
  }
  static Status unknown(std::string message) { return {StatusCode::kUnknown, std::move(message)}; }
  static Status invalid_argument(std::string message) {
    return {StatusCode::kInvalidArgument, std::move(message)};
  }
  static Status deadline_exceeded(std::string message) {
    return {StatusCode::kDeadlineExceeded, std::move(message)};
  }
  static Status not_found(std::string message) {
    return {StatusCode::kNotFound, std::move(message)};
  }
  static Status already_exists(std::string message) {
    return {StatusCode::kAlreadyExists, std::move(message)};
  }
  static Status permission_denied(std::string message) {
    return {StatusCode::kPermissionDenied, std::move(message)};
  }
  static Status resource_exhausted(std::string message) {
    return {StatusCode::kResourceExhausted, std::move(message)};
  }
  static Status failed_precondition(std::string message) {
    return {StatusCode::kFailedPrecondition, std::move(message)};
  }
  static Status aborted(std::string message) { return {StatusCode::kAborted, std::move(message)}; }
  static Status out_of_range(std::string message) {
    return {StatusCode::kOutOfRange, std::move(message)};
  }
  static Status unimplemented(std::string message) {
    return {StatusCode::kUnimplemented, std::move(message)};
  }
  static Status internal(std::string message) {
    return {StatusCode::kInternal, std::move(message)};
  }
  static Status unavailable(std::string message) {
    return {StatusCode::kUnavailable, std::move(message)};
  }
  static Status data_loss(std::string message) {
    return {StatusCode::kDataLoss, std::move(message)};
  }
  static Status unauthenticated(std::string message) {
    return {StatusCode::kUnauthenticated, std::move(message)};
  }

  // The status a failed system call stands for: `tried` is what was tried and on what, the errno's
  // own text is the why. ENOENT is NOT_FOUND, EACCES and EPERM PERMISSION_DENIED, EMFILE, ENFILE,
  // ENOSPC, ENOMEM and EDQUOT RESOURCE_EXHAUSTED, ECONNREFUSED, ECONNRESET and EPIPE UNAVAILABLE,
  // ETIMEDOUT DEADLINE_EXCEEDED, EEXIST ALREADY_EXISTS, EINVAL INVALID_ARGUMENT, ...; others
  // UNKNOWN.
  static Status from_errno(int error, std::string_view tried);

  [[nodiscard]] bool ok() const noexcept { return why_ == nullptr; }
  [[nodiscard]] StatusCode code() const noexcept { return why_ ? why_->code : StatusCode::kOk; }
  // Empty when OK. Valid until this status changes.
  [[nodiscard]] const std::string& message() const noexcept;

  // "OK" or "CODE: message".
  [[nodiscard]] std::string to_string() const;

  // The same status with `where` and ": " in front of its message; OK stays OK.
  [[nodiscard]] Status with_context(std::string_view where) const;

  friend bool operator==(const Status& a, const Status& b) noexcept {
    return a.code() == b.code() && a.message() == b.message();
  }

 private:
  struct Why {
    StatusCode code;
    std::string message;
  };
  // Null when OK: every call hands many an OK status on, so that must cost one word.
  std::unique_ptr<const Why> why_;
};

std::ostream& operator<<(std::ostream& out, StatusCode code);
std::ostream& operator<<(std::ostream& out, const Status& status);

// What main() should return for `status`: 0 for OK; otherwise 1, after one line on standard error.
[[nodiscard]] int exit_code(const Status& status);

}  // namespace ferry
