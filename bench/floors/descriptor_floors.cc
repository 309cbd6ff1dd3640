// Floors of what is read and written through descriptors: sockets, FIFOs and message queues.
#include <fcntl.h>
#include <mqueue.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "bench/floors/floors.h"

namespace bench {
namespace {

constexpr std::size_t kQueueMessage = 8192;  // fs.mqueue.msgsize_max of an unprivileged user
constexpr long kQueueMessages = 10;          // fs.mqueue.msg_max

// How one end moves bytes. With `spin` the reading descriptors don't block and are read until there
// is something.
struct Stream {
  static std::size_t send(int fd, const std::byte* from, std::size_t size) {
    const ssize_t sent = write(fd, from, size);
    if (sent < 0 && errno == EAGAIN) return 0;  // the far end is read by a spinner too
    require_call(sent, "write");
    return static_cast<std::size_t>(sent);
  }
  static std::size_t receive(int fd, std::byte* into, std::size_t size) {
    const ssize_t got = read(fd, into, size);
    if (got < 0 && errno == EAGAIN) return 0;
    require(got > 0, "read: the peer is gone");
    return static_cast<std::size_t>(got);
  }
};

struct Queue {
  static std::size_t send(int fd, const std::byte* from, std::size_t size) {
    const std::size_t piece = std::min(size, kQueueMessage);
    if (mq_send(fd, reinterpret_cast<const char*>(from), piece, 0) != 0) {
      require(errno == EAGAIN, "mq_send");
      return 0;
    }
    return piece;
  }
  // Needs room for a whole message: buffers are that much larger.
  static std::size_t receive(int fd, std::byte* into, std::size_t) {
    const ssize_t got = mq_receive(fd, reinterpret_cast<char*>(into), kQueueMessage, nullptr);
    if (got < 0 && errno == EAGAIN) return 0;
    require_call(got, "mq_receive");
    return static_cast<std::size_t>(got);
  }
};

struct End {
  int read = -1;
  int write = -1;
};

template <typename Mechanism>
void send_all(const End& end, std::span<const std::byte> bytes) {
  while (!bytes.empty())
    bytes = bytes.subspan(Mechanism::send(end.write, bytes.data(), bytes.size()));
}

template <typename Mechanism>
void receive_all(const End& end, std::byte* into, std::size_t size) {
  for (std::size_t got = 0; got < size;)
    got += Mechanism::receive(end.read, into + got, size - got);
}

template <typename Mechanism>
class DescriptorCaller final : public Caller {
 public:
  DescriptorCaller(const End& end, std::size_t size)
      : end_(end), size_(size), reply_(size + kQueueMessage) {}
  void call(Payload& payload) override {
    send_all<Mechanism>(end_, payload.next());
    receive_all<Mechanism>(end_, reply_.data(), size_);
    payload.check({reply_.data(), size_});
  }

 private:
  End end_;
  std::size_t size_;
  std::vector<std::byte> reply_;
};

template <typename Mechanism>
class DescriptorFloor : public Contestant {
 public:
  explicit DescriptorFloor(const Setup& setup) : setup_(setup) {}
  void serve(const std::function<void()>& ready) override {
    std::vector<std::byte> buffer(setup_.size + kQueueMessage);
    ready();
    for (;;) {
      receive_all<Mechanism>(server_, buffer.data(), setup_.size);
      send_all<Mechanism>(server_, {buffer.data(), setup_.size});
    }
  }
  std::unique_ptr<Caller> connect() override {
    return std::make_unique<DescriptorCaller<Mechanism>>(client_, setup_.size);
  }

 protected:
  Setup setup_;
  End server_;
  End client_;
};

void unblock(int fd) { require_call(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), "fcntl"); }

class SocketFloor final : public DescriptorFloor<Stream> {
 public:
  using DescriptorFloor::DescriptorFloor;
  void prepare() override {
    int ends[2];
    require_call(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
    server_ = {ends[0], ends[0]};
    client_ = {ends[1], ends[1]};
    if (setup_.spin) {
      unblock(ends[0]);
      unblock(ends[1]);
    }
  }
};

class FifoFloor final : public DescriptorFloor<Stream> {
 public:
  using DescriptorFloor::DescriptorFloor;
  void prepare() override {
    // A FIFO and a pipe are the same thing once they are open (fifo(7)).
    int there[2];
    int back[2];
    require_call(pipe(there), "pipe");
    require_call(pipe(back), "pipe");
    server_ = {there[0], back[1]};
    client_ = {back[0], there[1]};
    if (setup_.spin) {
      unblock(there[0]);
      unblock(back[0]);
    }
  }
};

class QueueFloor final : public DescriptorFloor<Queue> {
 public:
  using DescriptorFloor::DescriptorFloor;
  void prepare() override {
    const End there = make_queue("there");
    const End back = make_queue("back");
    server_ = {there.read, back.write};
    client_ = {back.read, there.write};
  }

 private:
  // Two descriptions of one queue, so that O_NONBLOCK is each end's own; the name is gone at once.
  [[nodiscard]] End make_queue(const char* which) const {
    const std::string name = "/ferry-bench-" + std::to_string(getpid()) + "-" + which;
    mq_attr attributes{};
    attributes.mq_maxmsg = kQueueMessages;
    attributes.mq_msgsize = static_cast<long>(kQueueMessage);
    End end;
    end.write = mq_open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600, &attributes);
    require_call(end.write, "mq_open");
    end.read = mq_open(name.c_str(), O_RDONLY | (setup_.spin ? O_NONBLOCK : 0));
    mq_unlink(name.c_str());
    require_call(end.read, "mq_open");
    return end;
  }
};

}  // namespace

std::unique_ptr<Contestant> make_descriptor_floor(const Setup& setup) {
  if (setup.name == "unix") return std::make_unique<SocketFloor>(setup);
  if (setup.name == "fifo") return std::make_unique<FifoFloor>(setup);
  if (setup.name == "mq") return std::make_unique<QueueFloor>(setup);
  return nullptr;
}

}  // namespace bench
