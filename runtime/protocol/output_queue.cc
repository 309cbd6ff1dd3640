#include "runtime/protocol/output_queue.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ferry::protocol {

namespace {

constexpr std::size_t kFirstBytes = 4096;
// A buffer that a burst made larger is given back: there are two for every connection.
constexpr std::size_t kKeptBytes = std::size_t{128} << 10;

}  // namespace

void OutputQueue::grow(std::size_t bytes) {
  const std::size_t capacity =
      std::max({kFirstBytes, 2 * back_.capacity, padded(back_.size + bytes)});
  auto data = std::make_unique_for_overwrite<std::byte[]>(capacity);
  if (back_.size > 0) std::memcpy(data.get(), back_.data.get(), back_.size);
  back_.data = std::move(data);
  back_.capacity = capacity;
}

void OutputQueue::reset(Buffer& buffer) {
  buffer.size = 0;
  buffer.done = 0;
  buffer.marks.clear();
  buffer.mark = 0;
  if (buffer.capacity > kKeptBytes) {
    buffer.data.reset();
    buffer.capacity = 0;
  }
}

std::deque<std::unique_ptr<LargeMessage>>::iterator OutputQueue::find(bool of_reply,
                                                                      std::uint32_t call_id) {
  return std::find_if(large_.begin(), large_.end(), [&](const auto& message) {
    return message->of_reply() == of_reply && message->call_id() == call_id;
  });
}

bool OutputQueue::sending(bool of_reply, std::uint32_t call_id) {
  return find(of_reply, call_id) != large_.end();
}

OutputQueue::Dropped OutputQueue::drop(bool of_reply, std::uint32_t call_id) {
  const auto found = find(of_reply, call_id);
  if (found == large_.end()) return {};
  const LargeMessage& message = **found;
  const Dropped::Part part = message.all_cut()   ? Dropped::kAllSent
                             : message.started() ? Dropped::kHalfSent
                                                 : Dropped::kUnsent;
  const Dropped dropped{part, message.head().cost(), message.with_descriptors()};
  large_left_ -= message.left();
  if (chunk_.message == found->get()) keep_rest_of_chunk(std::move(*found));
  large_.erase(found);
  return dropped;
}

void OutputQueue::keep_rest_of_chunk(std::unique_ptr<LargeMessage> dropped) {
  chunk_.dropped = std::move(dropped);
  chunk_.copy.resize(chunk_.size - chunk_.header.size());
  std::size_t at = 0;
  for (const iovec& piece : chunk_.payload) {
    std::memcpy(chunk_.copy.data() + at, piece.iov_base, piece.iov_len);
    at += piece.iov_len;
  }
  chunk_.payload.assign(1, {chunk_.copy.data(), chunk_.copy.size()});
  chunk_.message = nullptr;
}

void OutputQueue::begin_batch(ReceiveWindow& window) {
  assert(!busy());
  std::swap(front_, back_);
  reset(back_);
  if (!large_.empty()) cut_chunk(window);
}

void OutputQueue::cut_chunk(ReceiveWindow& window) {
  LargeMessage& message = *large_.front();
  if (!message.started()) chunk_.descriptors = message.take_descriptors();
  const std::size_t payload = message.cut(window.take(), chunk_.header, chunk_.payload);
  large_left_ -= payload;
  chunk_.message = &message;
  chunk_.size = chunk_.header.size() + payload;
  chunk_.done = 0;
}

void OutputQueue::finish_chunk() {
  chunk_.descriptors.clear();
  chunk_.copy.clear();
  chunk_.copy.shrink_to_fit();
  chunk_.dropped.reset();
  if (chunk_.message == nullptr) return;
  chunk_.message = nullptr;
  // Only the front is ever cut, and drop() of another one leaves it there.
  std::unique_ptr<LargeMessage> message = std::move(large_.front());
  large_.pop_front();
  if (!message->all_cut()) large_.push_back(std::move(message));
}

bool OutputQueue::output(Output& output) {
  output.bytes.clear();
  output.descriptors.clear();
  const std::vector<UniqueFd>* descriptors = nullptr;
  if (front_.pending()) {
    std::size_t end = front_.size;
    std::size_t mark = front_.mark;
    if (mark < front_.marks.size() && front_.marks[mark].at == front_.done) {
      descriptors = &front_.marks[mark++].descriptors;
    }
    if (mark < front_.marks.size()) end = front_.marks[mark].at;
    output.bytes.push_back({front_.data.get() + front_.done, end - front_.done});
    if (end == front_.size && chunk_.pending() && chunk_.descriptors.empty()) offer_chunk(output);
  } else if (chunk_.pending()) {
    if (chunk_.done == 0) descriptors = &chunk_.descriptors;
    offer_chunk(output);
  }
  if (descriptors != nullptr) {
    for (const UniqueFd& descriptor : *descriptors) output.descriptors.push_back(descriptor.get());
  }
  return !output.bytes.empty();
}

void OutputQueue::offer_chunk(Output& output) const {
  std::size_t skip = chunk_.done;
  const auto offer = [&](void* base, std::size_t size) {
    const std::size_t skipped = std::min(skip, size);
    skip -= skipped;
    if (skipped < size) {
      output.bytes.push_back({static_cast<std::byte*>(base) + skipped, size - skipped});
    }
  };
  offer(const_cast<std::byte*>(chunk_.header.data()), chunk_.header.size());
  for (const iovec& piece : chunk_.payload) offer(piece.iov_base, piece.iov_len);
}

void OutputQueue::written(std::size_t bytes) {
  if (front_.pending()) {
    const std::size_t taken = std::min(bytes, front_.size - front_.done);
    front_.done += taken;
    bytes -= taken;
    while (front_.mark < front_.marks.size() && front_.marks[front_.mark].at < front_.done) {
      front_.marks[front_.mark++].descriptors.clear();
    }
  }
  if (bytes == 0) return;
  assert(bytes <= chunk_.size - chunk_.done);
  chunk_.done += bytes;
  chunk_.descriptors.clear();
  if (!chunk_.pending()) finish_chunk();
}

}  // namespace ferry::protocol
