#include "runtime/drivers/waiting.h"

namespace ferry::drivers {

using transports::Io;
using transports::IoResult;

IoResult await_input(Link& link, AdaptiveSpin& spin, bool blocked, transports::TimePoint deadline) {
  transports::Lane& lane = link.lane();
  const auto room = link.input().room();
  IoResult io;
  if (blocked) {
    // Whoever waits for room must also take input: two peers that only write to each other would
    // otherwise wait for ever.
    io = lane.read(room);
    if (io.outcome == Io::kWouldBlock) {
      io = lane.wait_writable(deadline);
      io.bytes = 0;
    }
  } else if (!spin.until(
                 [&] {
                   io = lane.read(room);
                   return io.outcome != Io::kWouldBlock;
                 },
                 deadline)) {
    io = lane.read_parked(room, deadline);
  }
  if (io.outcome == Io::kDone) link.input().filled(io.bytes);
  return io;
}

}  // namespace ferry::drivers
