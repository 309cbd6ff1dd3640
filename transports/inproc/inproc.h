// inproc: a lane in the memory of one process. The reference for all others, and deterministic: it
// fails when it is told to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "transports/lane.h"

namespace ferry::transports {

// What goes wrong at one end, for tests. The default is nothing.
struct InprocFaults {
  static constexpr auto kNo = std::numeric_limits<std::size_t>::max();

  std::size_t write_bytes = kNo;        // one write takes at most this many, at least 1
  std::size_t read_bytes = kNo;         // one read hands out at most this many, at least 1
  std::size_t close_after_bytes = kNo;  // this end closes, as if its process died, when it has sent
                                        // this many: the write that reaches it is cut there
  std::size_t fail_after_writes = kNo;  // so many writes succeed, the next says kFailed
  std::size_t fail_after_reads = kNo;   // the same for reads that found something
  bool lose_descriptors = false;        // as if the receiver's descriptor table were full
};

struct InprocOptions {
  std::size_t capacity = std::size_t{64} << 10;  // bytes on their way, each way; at least 1
  InprocFaults first = {};
  InprocFaults second = {};
};

// Two connected lanes. Either may go first, and each may be used by other threads than the other.
[[nodiscard]] std::pair<std::unique_ptr<Lane>, std::unique_ptr<Lane>> make_inproc_lanes(
    const InprocOptions& options = {});

}  // namespace ferry::transports
