#include "transports/sys/control_socket.h"

#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include <ferry/limits.h>

#include "transports/sys/scm.h"

namespace ferry::transports::sys {

namespace {

struct Record {
  std::uint32_t magic = 0;
  std::uint32_t count = 0;
  std::uint64_t sequence = 0;
};
static_assert(sizeof(Record) == 16);
static_assert(std::endian::native == std::endian::little, "records are little-endian");

constexpr std::uint32_t kMagic = 0x44465246;  // "FRFD"

}  // namespace

Io ControlSocket::send_record(std::span<const int> descriptors) {
  Record record{kMagic, static_cast<std::uint32_t>(descriptors.size()), next_out_};
  const iovec part{&record, sizeof(record)};
  const SocketIo io = send(socket_.get(), {&part, 1}, descriptors);
  switch (io.outcome) {
    case Io::kDone:
      // A record is far smaller than the smallest buffer the kernel allocates, so it is never cut.
      if (io.bytes != sizeof(record)) {
        return end_.fail(Status::internal("the kernel cut a record of the control socket"));
      }
      refusals_.accepted();
      full_ = false;
      ++next_out_;
      passed_ = true;
      return Io::kDone;
    case Io::kClosed:
      end_.set_gone();
      return Io::kClosed;
    case Io::kFailed:
      return end_.fail(Status::from_errno(
          io.error, "pass " + std::to_string(descriptors.size()) + " descriptors to the peer"));
    default:
      if (io.error != 0) return refusals_.refused(descriptors.size(), end_);
      full_ = true;
      return Io::kWouldBlock;
  }
}

Io ControlSocket::on_readable() {
  for (;;) {
    if (end_.failed()) return Io::kFailed;
    const std::size_t before = arriving_.size();
    // Never past the record: what follows may bring descriptors of its own.
    const SocketIo io =
        receive(socket_.get(), std::span(record_).subspan(filled_), Wait::kNo, arriving_);
    switch (io.outcome) {
      case Io::kDone:
        break;
      case Io::kClosed:
        end_.set_gone();
        return Io::kClosed;
      case Io::kFailed:
        return end_.fail(Status::from_errno(io.error, "read the control socket"));
      default:
        return end_.gone() ? Io::kClosed : Io::kWouldBlock;
    }
    if (io.lost_descriptors && !lost_) {
      lost_ = true;
      lost_why_ = lost_descriptors(socket_.get());
      arriving_.clear();
    }
    filled_ += io.bytes;
    if (filled_ < kRecordBytes && before > 0 && arriving_.size() > before) {
      return end_.fail(Status::invalid_argument(
          "the peer sent descriptors in the middle of a record of the control socket"));
    }
    if (filled_ == kRecordBytes && take_record() == Io::kFailed) return Io::kFailed;
  }
}

Io ControlSocket::take_record() {
  Record record;
  std::memcpy(&record, record_.data(), sizeof(record));
  filled_ = 0;
  std::vector<UniqueFd> batch = std::exchange(arriving_, {});
  const bool lost = std::exchange(lost_, false);
  if (record.magic != kMagic || record.sequence != next_in_ || record.count == 0 ||
      record.count > limits::kDescriptors) {
    return end_.fail(Status::invalid_argument(
        "the peer sent something else than a declaration of descriptors on the control socket"));
  }
  ++next_in_;
  if (!lost && batch.size() != record.count) {
    return end_.fail(Status::invalid_argument("the peer declared " + std::to_string(record.count) +
                                              " descriptors, but sent " +
                                              std::to_string(batch.size())));
  }
  const Status pushed =
      lost ? queue_.push_lost(std::exchange(lost_why_, {})) : queue_.push(std::move(batch));
  return pushed.ok() ? Io::kDone : end_.fail(pushed);
}

Status ControlSocket::take(std::size_t count, std::vector<UniqueFd>& into) {
  if (queue_.empty()) static_cast<void>(on_readable());
  if (end_.failed()) return end_.why();
  const Status taken = queue_.take(count, into);
  if (!taken.ok()) end_.fail(taken);
  return taken;
}

}  // namespace ferry::transports::sys
