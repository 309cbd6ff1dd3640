// The ends of a connection's two POSIX queues: made by the server, checked by the client.
#pragma once

#include <cstddef>
#include <vector>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

namespace ferry::transports {

// On Linux an mqd_t is a descriptor (mq_overview(7)): it can be passed, polled and closed like one.
struct QueueEnds {
  UniqueFd read;
  UniqueFd write;
  std::size_t write_bytes = 0;  // of one message at most
};

struct QueuePair {
  QueueEnds server;
  QueueEnds client;
};

// Makes two queues with the geometry of ferry/limits.h, removes the names and opens both ends of
// each. RESOURCE_EXHAUSTED names the limit: RLIMIT_MSGQUEUE (whose errno is EMFILE as well),
// RLIMIT_NOFILE, or a file in /proc/sys/fs/mqueue.
[[nodiscard]] Result<QueuePair> make_queues();

// The client's ends: read, write. The server may lie: kind, access and geometry are checked.
[[nodiscard]] Result<QueueEnds> check_queues(std::vector<UniqueFd> descriptors);

}  // namespace ferry::transports
