// DescriptorQueue: descriptors that came and that nobody has taken yet.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

namespace ferry::transports::sys {

// Batches in the order in which they came, each of what was sent together; at most
// limits::kUnreadDescriptorMessages. Closes what is left. Thread safety: none.
class DescriptorQueue {
 public:
  // INVALID_ARGUMENT, and `batch` is closed: the peer has more outstanding than it may.
  [[nodiscard]] Status push(std::vector<UniqueFd> batch);
  // A batch that could not be received whole: take() will say `why`.
  [[nodiscard]] Status push_lost(Status why);
  // Moves the oldest batch behind what is in `into`. INVALID_ARGUMENT when there is none or it has
  // not exactly `count` descriptors.
  [[nodiscard]] Status take(std::size_t count, std::vector<UniqueFd>& into);
  [[nodiscard]] bool empty() const noexcept { return batches_.empty(); }

  DescriptorQueue() = default;
  DescriptorQueue(const DescriptorQueue&) = delete;
  DescriptorQueue& operator=(const DescriptorQueue&) = delete;
  ~DescriptorQueue();

 private:
  struct Batch {
    std::vector<UniqueFd> descriptors;
    Status lost;
  };
  Status append(Batch batch);

  std::deque<Batch> batches_;
};

}  // namespace ferry::transports::sys
