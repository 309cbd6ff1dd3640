// The lane of `inproc:`, and what its two ends share.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

#include "transports/inproc/inproc.h"
#include "transports/lane.h"

namespace ferry::transports {

// One direction. Guarded by InprocLink::mutex.
struct InprocPipe {
  struct Batch {
    std::size_t position = 0;  // of its first byte in the stream
    std::vector<UniqueFd> descriptors;
    Status lost;
  };
  std::vector<std::byte> ring;
  std::size_t written = 0;  // since the start; ring index: modulo its size
  std::size_t read = 0;
  std::deque<Batch> batches;

  [[nodiscard]] std::size_t used() const noexcept { return written - read; }
  [[nodiscard]] std::size_t room() const noexcept { return ring.size() - used(); }
  std::size_t put(std::span<const iovec> bytes, std::size_t most) noexcept;
  std::size_t get(std::span<std::byte> into) noexcept;
};

// What belongs to one end. Guarded by InprocLink::mutex, but for the callback.
struct InprocEnd {
  bool open = true;
  bool interrupted = false;
  bool hung_up = false;
  bool armed = false;
  bool wants_room = false;  // its last write found none
  Status failure;
  std::condition_variable changed;
  // Held while the callback runs, so that exchanging it waits for the call to end.
  std::mutex callback_mutex;
  std::function<void()> ready;
};

struct InprocLink {
  std::mutex mutex;
  std::array<InprocPipe, 2> pipes;  // pipes[i] is written by end i
  std::array<InprocEnd, 2> ends;
};

class InprocLane final : public Lane {
 public:
  InprocLane(std::shared_ptr<InprocLink> link, std::size_t side, const InprocFaults& faults)
      : link_(std::move(link)), side_(side), faults_(faults) {}
  ~InprocLane() override;

  [[nodiscard]] std::string_view transport() const noexcept override { return "inproc"; }
  [[nodiscard]] WaitMode wait_mode() const noexcept override { return WaitMode::kCallback; }
  [[nodiscard]] IoResult write(std::span<const iovec> bytes,
                               std::span<const int> descriptors) override;
  [[nodiscard]] IoResult wait_writable(TimePoint deadline) override;
  [[nodiscard]] IoResult read(std::span<std::byte> into) override;
  [[nodiscard]] IoResult read_parked(std::span<std::byte> into, TimePoint deadline) override;
  [[nodiscard]] Status take_descriptors(std::size_t count, std::vector<UniqueFd>& into) override;
  [[nodiscard]] PollSet poll_set() const noexcept override { return {}; }
  [[nodiscard]] bool arm() override;
  void disarm() override;
  [[nodiscard]] IoResult on_control_readable() override;
  void set_ready_callback(std::function<void()> ready) override;
  void interrupt() noexcept override;
  void hang_up() noexcept override;
  [[nodiscard]] Status failure() const override;

 private:
  using Lock = std::unique_lock<std::mutex>;
  [[nodiscard]] InprocEnd& mine() const noexcept { return link_->ends[side_]; }
  [[nodiscard]] InprocEnd& peer() const noexcept { return link_->ends[1 - side_]; }
  [[nodiscard]] InprocPipe& outgoing() const noexcept { return link_->pipes[side_]; }
  [[nodiscard]] InprocPipe& incoming() const noexcept { return link_->pipes[1 - side_]; }
  [[nodiscard]] bool peer_gone() const noexcept {
    return !peer().open || !mine().open || mine().hung_up;
  }
  IoResult read_locked(std::span<std::byte> into);
  Io fail(Status why);
  template <typename Ready>
  Io wait(Lock& lock, TimePoint deadline, Ready ready);
  void close_locked();
  // Tells the other end, under no lock, that input or room may have come.
  void tell_peer(Lock& lock);

  const std::shared_ptr<InprocLink> link_;
  const std::size_t side_;
  const InprocFaults faults_;
  std::size_t writes_ = 0;  // writing half
  std::size_t reads_ = 0;   // reading half
};

}  // namespace ferry::transports
