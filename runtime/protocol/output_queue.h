// OutputQueue: the frames of one connection that may be written now, in the order in which they
// will.
//
// Small frames are appended to one buffer while another is being written; of large messages one
// chunk goes behind every buffer of small frames, each message in turn. So small frames wait for at
// most one chunk, and chunks for at most one buffer.
//
// What output() handed out stays where it is until written(), whatever is appended meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <sys/uio.h>
#include <vector>

#include "runtime/protocol/flow_control.h"
#include "runtime/protocol/large_message.h"
#include "runtime/protocol/session.h"

namespace ferry::protocol {

class OutputQueue {
 public:
  // Room for one more small frame of `bytes` (whole words), for the caller to fill at once.
  // `descriptors` go with its first byte.
  std::byte* append(std::size_t bytes) {
    if (back_.size + bytes > back_.capacity) grow(bytes);
    std::byte* frame = back_.data.get() + back_.size;
    back_.size += bytes;
    return frame;
  }
  std::byte* append(std::size_t bytes, std::vector<UniqueFd> descriptors) {
    if (!descriptors.empty()) back_.marks.push_back({back_.size, std::move(descriptors)});
    return append(bytes);
  }
  // Whether a further message may be put here, rather than wait although there is credit: the peer
  // chooses its window, but not how much of our memory waits in lanes it does not read.
  [[nodiscard]] bool has_room() const noexcept {
    return back_.size < limits::kOutputBytes && large_left_ < limits::kSendBacklogBytes;
  }

  // From now on chunks of `message` are sent.
  void add(std::unique_ptr<LargeMessage> message) {
    large_left_ += message->left();
    large_.push_back(std::move(message));
  }

  // What became of a large message that is to be given up.
  struct Dropped {
    enum Part : std::uint8_t {
      kUnknown,   // there is none such: all of it was written, or it was never large
      kAllSent,   // what was not written of it was copied, and will be
      kUnsent,    // nothing of it was sent
      kHalfSent,  // a part was: the receiver must be told
    };
    Part part = kUnknown;
    std::uint32_t cost = 0;
    bool with_descriptors = false;
  };
  // Gives up the large message of that call. Its memory is not referred to any more, but by what
  // the last output() handed out.
  Dropped drop(bool of_reply, std::uint32_t call_id);
  // Not all of the large message of that call was written: its memory is still referred to.
  [[nodiscard]] bool sending(bool of_reply, std::uint32_t call_id);

  // A batch (a buffer of small frames and a chunk) is under way.
  [[nodiscard]] bool busy() const noexcept { return front_.pending() || chunk_.pending(); }
  [[nodiscard]] bool empty() const noexcept { return back_.size == 0 && !busy() && large_.empty(); }
  // Begins the next batch; precondition: !busy(). Takes the credit for the chunk's header.
  void begin_batch(ReceiveWindow& window);
  // The rest of the batch, as Session::output().
  bool output(Output& output);
  void written(std::size_t bytes);

 private:
  // Descriptors that go with the byte at `at`.
  struct Mark {
    std::size_t at = 0;
    std::vector<UniqueFd> descriptors;
  };
  struct Buffer {
    std::unique_ptr<std::byte[]> data;
    std::size_t capacity = 0;
    std::size_t size = 0;
    std::size_t done = 0;  // bytes written
    std::vector<Mark> marks;
    std::size_t mark = 0;  // the first whose frame is not begun
    [[nodiscard]] bool pending() const noexcept { return done < size; }
  };
  struct Chunk {
    std::vector<std::byte> header;
    std::vector<iovec> payload;
    std::vector<std::byte> copy;  // of the payload, when its message was dropped meanwhile
    std::unique_ptr<LargeMessage> dropped;  // that message: its owner's memory may be being written
    std::vector<UniqueFd> descriptors;
    std::size_t size = 0;
    std::size_t done = 0;
    const LargeMessage* message = nullptr;  // null when it was dropped
    [[nodiscard]] bool pending() const noexcept { return done < size; }
  };

  [[nodiscard]] std::deque<std::unique_ptr<LargeMessage>>::iterator find(bool of_reply,
                                                                         std::uint32_t call_id);
  void grow(std::size_t bytes);
  void cut_chunk(ReceiveWindow& window);
  void finish_chunk();
  void keep_rest_of_chunk(std::unique_ptr<LargeMessage> dropped);
  void offer_chunk(Output& output) const;
  static void reset(Buffer& buffer);

  Buffer back_;
  Buffer front_;
  Chunk chunk_;
  std::deque<std::unique_ptr<LargeMessage>> large_;  // the next to be cut is in front
  std::uint64_t large_left_ = 0;                     // bytes of them that are not in a chunk yet
};

}  // namespace ferry::protocol
