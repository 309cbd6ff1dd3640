// CodecError: how encoding, decoding and walking a message fail, inside generated code.
// For generated code; not for users: no exception leaves it.
#pragma once

#include <new>
#include <string>
#include <utility>

#include <kj/exception.h>

#include <ferry/status.h>
#include <ferry/support/fd_rule.h>

namespace ferry::support {

// Thrown where a message turns out to be unusable, many calls deep; caught by guarded().
struct CodecError {
  Status status;
};

[[noreturn]] inline void fail(Status status) { throw CodecError{std::move(status)}; }
inline void require(Status status) {
  if (!status.ok()) fail(std::move(status));
}

// Runs `work` and turns what it throws into a Status: a message that Cap'n Proto can't read is the
// fault of who wrote it, so INVALID_ARGUMENT.
template <typename Work>
[[nodiscard]] Status guarded(const Place& where, Work&& work) {
  try {
    work();
    return {};
  } catch (const CodecError& error) {
    return error.status;
  } catch (const kj::Exception& error) {
    return Status::invalid_argument(where.to_string() + ": " + error.getDescription().cStr());
  } catch (const std::bad_alloc&) {
    return Status::resource_exhausted(where.to_string() + ": no memory for the message");
  }
}

}  // namespace ferry::support
