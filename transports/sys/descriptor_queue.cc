#include "transports/sys/descriptor_queue.h"

#include <iterator>
#include <string>
#include <utility>

#include <ferry/limits.h>

namespace ferry::transports::sys {

DescriptorQueue::~DescriptorQueue() {
  for (Batch& batch : batches_) {
    for (UniqueFd& each : batch.descriptors) discard(std::move(each));
  }
}

Status DescriptorQueue::push(std::vector<UniqueFd> batch) {
  return append({std::move(batch), Status()});
}

Status DescriptorQueue::push_lost(Status why) { return append({{}, std::move(why)}); }

Status DescriptorQueue::append(Batch batch) {
  if (batches_.size() >= limits::kUnreadDescriptorMessages) {
    return Status::invalid_argument("the peer sent descriptors for more than " +
                                    std::to_string(limits::kUnreadDescriptorMessages) +
                                    " messages that were not read yet");
  }
  batches_.push_back(std::move(batch));
  return {};
}

Status DescriptorQueue::take(std::size_t count, std::vector<UniqueFd>& into) {
  if (batches_.empty()) {
    return Status::invalid_argument("the peer announced a message with " + std::to_string(count) +
                                    " descriptors, but sent none");
  }
  Batch batch = std::move(batches_.front());
  batches_.pop_front();
  if (!batch.lost.ok()) return batch.lost;
  if (batch.descriptors.size() != count) {
    return Status::invalid_argument("the peer announced a message with " + std::to_string(count) +
                                    " descriptors, but sent " +
                                    std::to_string(batch.descriptors.size()));
  }
  into.insert(into.end(), std::make_move_iterator(batch.descriptors.begin()),
              std::make_move_iterator(batch.descriptors.end()));
  return {};
}

}  // namespace ferry::transports::sys
