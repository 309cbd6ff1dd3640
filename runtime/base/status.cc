#include <cerrno>
#include <iostream>
#include <ostream>
#include <system_error>

#include <ferry/status.h>

namespace ferry {

std::string_view name(StatusCode code) noexcept {
  switch (code) {
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kCancelled:
      return "CANCELLED";
    case StatusCode::kUnknown:
      return "UNKNOWN";
    case StatusCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case StatusCode::kDeadlineExceeded:
      return "DEADLINE_EXCEEDED";
    case StatusCode::kNotFound:
      return "NOT_FOUND";
    case StatusCode::kAlreadyExists:
      return "ALREADY_EXISTS";
    case StatusCode::kPermissionDenied:
      return "PERMISSION_DENIED";
    case StatusCode::kResourceExhausted:
      return "RESOURCE_EXHAUSTED";
    case StatusCode::kFailedPrecondition:
      return "FAILED_PRECONDITION";
    case StatusCode::kAborted:
      return "ABORTED";
    case StatusCode::kOutOfRange:
      return "OUT_OF_RANGE";
    case StatusCode::kUnimplemented:
      return "UNIMPLEMENTED";
    case StatusCode::kInternal:
      return "INTERNAL";
    case StatusCode::kUnavailable:
      return "UNAVAILABLE";
    case StatusCode::kDataLoss:
      return "DATA_LOSS";
    case StatusCode::kUnauthenticated:
      return "UNAUTHENTICATED";
  }
  return "UNKNOWN";
}

namespace {

StatusCode code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return StatusCode::kPermissionDenied;
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case ENOMEM:
    case EDQUOT:
    case ENOBUFS:
    case ETOOMANYREFS:
      return StatusCode::kResourceExhausted;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case ENOTCONN:
    case EPIPE:
    case EAGAIN:
      return StatusCode::kUnavailable;
    case ETIMEDOUT:
      return StatusCode::kDeadlineExceeded;
    case EEXIST:
    case EADDRINUSE:
      return StatusCode::kAlreadyExists;
    case EINVAL:
    case EBADF:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case EXDEV:
      return StatusCode::kInvalidArgument;
    case ENOSYS:
    case EOPNOTSUPP:
      return StatusCode::kUnimplemented;
    case ECANCELED:
      return StatusCode::kCancelled;
    default:
      return StatusCode::kUnknown;
  }
}

}  // namespace

Status Status::from_errno(int error, std::string_view tried) {
  std::string message(tried);
  message += ": ";
  message += std::generic_category().message(error);  // strerror, but safe in threads
  return {code_of(error), std::move(message)};
}

const std::string& Status::message() const noexcept {
  static const std::string kNone;
  return why_ ? why_->message : kNone;
}

std::string Status::to_string() const {
  std::string text(name(code()));
  if (!message().empty()) {
    text += ": ";
    text += message();
  }
  return text;
}

Status Status::with_context(std::string_view where) const {
  if (ok()) return *this;
  std::string message(where);
  message += ": ";
  message += this->message();
  return {code(), std::move(message)};
}

std::ostream& operator<<(std::ostream& out, StatusCode code) { return out << name(code); }

std::ostream& operator<<(std::ostream& out, const Status& status) {
  return out << status.to_string();
}

int exit_code(const Status& status) {
  if (status.ok()) return 0;
  std::cerr << status << std::endl;
  return 1;
}

}  // namespace ferry
