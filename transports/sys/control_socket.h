// ControlSocket: the control lane of a connection whose data go elsewhere.
//
// It carries descriptors, declared in records of 16 bytes, and the peer's death as end-of-file:
//
//   u32 magic "FRFD"   u32 count   u64 sequence (0, 1, 2, ...)   little-endian, with `count`
//   descriptors as one SCM_RIGHTS message
//
// Every other byte, and every descriptor without such a record, is a failure.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

#include "transports/lane.h"
#include "transports/sys/descriptor_queue.h"
#include "transports/sys/lane_end.h"
#include "transports/sys/refusals.h"

namespace ferry::transports::sys {

// Thread safety: like a lane's, one thread in the writing half, one in the reading half.
// Failures and the peer's end are noted in `end`, which must outlive the object.
class ControlSocket {
 public:
  ControlSocket(UniqueFd socket, LaneEnd& end) noexcept : socket_(std::move(socket)), end_(end) {}

  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }

  // ---- writing half

  // Passes `descriptors` ahead of the bytes that they belong to. Until bytes_moved() says that the
  // first of these was written, further calls are taken for repetitions and do nothing. kDone (also
  // for no descriptors), kWouldBlock, kClosed, kFailed.
  [[nodiscard]] Io pass(std::span<const int> descriptors) {
    return descriptors.empty() || passed_ ? Io::kDone : send_record(descriptors);
  }
  void bytes_moved() noexcept { passed_ = false; }
  // Descriptors are what is waited for, not room for bytes: a wait must end at
  // DescriptorRefusals::retry_time(), because the lane's data tell nothing of it. Any thread.
  [[nodiscard]] bool refused() const noexcept { return refusals_.active() || full_.load(); }

  // ---- reading half

  // Takes in what has come: kWouldBlock (nothing more for now), kClosed (the peer is gone),
  // kFailed.
  [[nodiscard]] Io on_readable();
  // The `count` descriptors of the oldest batch, which must have come by now. A failure is the
  // lane's.
  [[nodiscard]] Status take(std::size_t count, std::vector<UniqueFd>& into);

 private:
  static constexpr std::size_t kRecordBytes = 16;

  Io send_record(std::span<const int> descriptors);
  Io take_record();

  UniqueFd socket_;
  LaneEnd& end_;
  // writing half
  std::uint64_t next_out_ = 0;
  bool passed_ = false;
  DescriptorRefusals refusals_;
  std::atomic<bool> full_{false};  // an inherited socket may have a very small buffer
  // reading half
  std::uint64_t next_in_ = 0;
  std::array<std::byte, kRecordBytes> record_{};
  std::size_t filled_ = 0;
  std::vector<UniqueFd> arriving_;  // with the record that is being read
  bool lost_ = false;               // ... and not all of them came
  Status lost_why_;
  DescriptorQueue queue_;
};

}  // namespace ferry::transports::sys
