#include "transports/mq/queue_pair.h"

#include <cerrno>
#include <fcntl.h>
#include <mqueue.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <utility>

#include <ferry/limits.h>

#include "transports/sys/leftovers.h"
#include "transports/sys/os_error.h"
#include "transports/sys/reopen.h"

namespace ferry::transports {

namespace {

// What the kernel charges a message beside its bytes: a msg_msg (48 bytes) and a tree node
// (64-bit kernels before 5.13 and after; mq_overview(7) has the formula).
constexpr long kMessageOverhead = 48 + 64;
constexpr long kPairBytes =
    2 * limits::kQueueMessages * (limits::kQueueMessageBytes + kMessageOverhead);

std::string geometry() {
  return "two queues of " + std::to_string(limits::kQueueMessages) + " messages of " +
         std::to_string(limits::kQueueMessageBytes) + " bytes";
}

// EMFILE means either limit. With room for another descriptor it was the queues'.
Status open_error(int error) {
  if (error == EMFILE) {
    const UniqueFd probe(::eventfd(0, EFD_CLOEXEC));
    if (!probe) return sys::os_error(error, "make " + geometry());
    rlimit limit{};
    ::getrlimit(RLIMIT_MSGQUEUE, &limit);
    return Status::resource_exhausted(
        "make " + geometry() + " (about " + std::to_string(kPairBytes) +
        " bytes): this user's queues have used up RLIMIT_MSGQUEUE, which is " +
        std::to_string(limit.rlim_cur) +
        " bytes for all processes together; raise it, or use another transport");
  }
  if (error == EINVAL) {
    return Status::resource_exhausted(
        "make " + geometry() +
        ": more than /proc/sys/fs/mqueue/msg_max or msgsize_max allows; raise them, or use another "
        "transport");
  }
  if (error == ENOSPC) {
    return Status::resource_exhausted(
        "make " + geometry() +
        ": the machine has as many queues as /proc/sys/fs/mqueue/queues_max allows");
  }
  if (error == ENOSYS) {
    return Status::unimplemented("make " + geometry() + ": this kernel has no POSIX queues");
  }
  return sys::os_error(error, "make " + geometry());
}

// Makes a queue called `name`, open for writing, and removes the name; errno says why not.
UniqueFd make_under(const std::string& name) {
  mq_attr geometry{};
  geometry.mq_maxmsg = limits::kQueueMessages;
  geometry.mq_msgsize = limits::kQueueMessageBytes;
  // glibc adds O_CLOEXEC (mq_open(3)).
  UniqueFd queue(::mq_open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NONBLOCK,
                           S_IRUSR | S_IWUSR, &geometry));
  if (queue) ::mq_unlink(name.c_str());
  return queue;
}

// How often the name may be taken by other processes of this user that are making queues.
constexpr int kTries = 16;

// A queue without a name any more. A name that is there was left by a process that was killed, or
// is of one that is about to remove it itself, and in either case of no use (sys/leftovers.h).
Result<UniqueFd> make_queue() {
  for (int i = 0; i < kTries; ++i) {
    UniqueFd queue = make_under(sys::queue_name());
    if (queue) return queue;
    if (errno != EEXIST) return open_error(errno);
    if (!sys::remove_queue_name()) break;
  }
  auto spare = sys::spare_queue_name();
  if (!spare) return spare.status();
  UniqueFd queue = make_under(*spare);
  if (!queue) return open_error(errno);
  return queue;
}

// One queue: `write` and `read` are its ends.
Status connect(UniqueFd& write, UniqueFd& read) {
  auto queue = make_queue();
  if (!queue) return queue.status();
  auto end = sys::reopen(queue->get(), O_RDONLY | O_NONBLOCK);
  if (!end) return end.status().with_context("open a queue's end");
  write = std::move(*queue);
  read = std::move(*end);
  return {};
}

// The geometry of the queue's end `fd`; a size of 0 when it is none.
mq_attr inspect(int fd, int access) {
  mq_attr attributes{};
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & (O_ACCMODE | O_PATH)) != access || ::mq_getattr(fd, &attributes) != 0) {
    return {};
  }
  return attributes;
}

}  // namespace

Result<QueuePair> make_queues() {
  QueuePair pair;
  if (Status made = connect(pair.server.write, pair.client.read); !made.ok()) return made;
  if (Status made = connect(pair.client.write, pair.server.read); !made.ok()) return made;
  pair.server.write_bytes = static_cast<std::size_t>(limits::kQueueMessageBytes);
  pair.client.write_bytes = pair.server.write_bytes;
  return pair;
}

Result<QueueEnds> check_queues(std::vector<UniqueFd> descriptors) {
  if (descriptors.size() != 2) {
    return Status::invalid_argument("join mq: the server passed " +
                                    std::to_string(descriptors.size()) +
                                    " descriptors instead of 2");
  }
  const mq_attr read = inspect(descriptors[0].get(), O_RDONLY);
  const mq_attr write = inspect(descriptors[1].get(), O_WRONLY);
  if (read.mq_msgsize <= 0 || read.mq_msgsize > limits::kQueueMessageBytes ||
      write.mq_msgsize <= 0 || write.mq_msgsize > limits::kQueueMessageBytes) {
    return Status::invalid_argument(
        "join mq: what the server passed are not the ends of two queues with messages of at most " +
        std::to_string(limits::kQueueMessageBytes) + " bytes");
  }
  return QueueEnds{std::move(descriptors[0]), std::move(descriptors[1]),
                   static_cast<std::size_t>(write.mq_msgsize)};
}

}  // namespace ferry::transports
