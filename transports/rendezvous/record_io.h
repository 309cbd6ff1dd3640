// Handshake records on a socket: read exactly, written whole, never blocking.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <sys/socket.h>
#include <vector>

#include <ferry/limits.h>
#include <ferry/result.h>
#include <ferry/unique_fd.h>

#include "transports/rendezvous/records.h"

namespace ferry::transports {

enum class Progress : std::uint8_t {
  kWhole,   // the record is complete
  kAgain,   // poll, then call again
  kClosed,  // the peer hung up
  kFailed,  // failure() says why
};

// Reads one record after the other and never a byte past a record: what follows the last one
// belongs to the lane. Thread safety: none.
class RecordReader {
 public:
  // `descriptors`: how many one record may bring, at most limits::kOfferDescriptors. Others are
  // closed and a failure.
  explicit RecordReader(std::size_t descriptors) : most_descriptors_(descriptors) {}

  [[nodiscard]] Progress advance(int socket);
  [[nodiscard]] const Status& failure() const noexcept { return failure_; }
  // The magic was right: whoever it is, it speaks our protocol.
  [[nodiscard]] bool is_ferry() const noexcept { return is_ferry_; }
  // Whether any byte came at all.
  [[nodiscard]] bool started() const noexcept { return filled_ > 0 || is_ferry(); }
  // Who sent the record, when the socket passes credentials (SO_PASSCRED, unix(7)).
  [[nodiscard]] const std::optional<ucred>& sender() const noexcept { return sender_; }

  // After kWhole.
  [[nodiscard]] const RecordHeader& header() const noexcept { return *header_; }
  [[nodiscard]] Body body() const noexcept { return body_; }
  [[nodiscard]] std::vector<UniqueFd> take_descriptors() noexcept {
    return std::move(descriptors_);
  }
  // For the next record.
  void reset();

 private:
  Progress read_header(int socket);
  Progress read_body(int socket);
  Progress receive(int socket, std::span<std::byte> into);
  bool take_control(int socket, msghdr& message);
  Progress fail(Status why);

  std::size_t most_descriptors_;
  std::array<std::byte, kHeaderBytes> header_bytes_{};
  std::optional<RecordHeader> header_;
  bool is_ferry_ = false;
  std::vector<std::uint64_t> body_;  // grows as bytes arrive
  std::size_t filled_ = 0;           // of the header, then of the body
  std::vector<UniqueFd> descriptors_;
  std::optional<ucred> sender_;
  Status failure_;
};

// Writes one record. Thread safety: none.
class RecordWriter {
 public:
  // `descriptors` go with the first byte; they must stay open until it is written.
  void start(std::string record, std::vector<int> descriptors);
  [[nodiscard]] bool pending() const noexcept { return written_ < record_.size(); }
  // kWhole when nothing is pending.
  [[nodiscard]] Progress advance(int socket);
  [[nodiscard]] const Status& failure() const noexcept { return failure_; }
  // No byte of what is pending was written: it may be replaced.
  [[nodiscard]] bool untouched() const noexcept { return written_ == 0; }

 private:
  std::string record_;
  std::vector<int> descriptors_;
  std::size_t written_ = 0;
  Status failure_;
};

}  // namespace ferry::transports
