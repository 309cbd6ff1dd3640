// Floors of shared memory: one copy into it, one from it, on each side; and what wakes the other.
#include <atomic>
#include <cstring>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "bench/floors/floors.h"

namespace bench {
namespace {

struct alignas(64) Bell {
  alignas(64) std::atomic<std::uint64_t> rung{0};  // how often; what a spinner looks at
  alignas(64) sem_t semaphore{};
  int descriptor = -1;
};

struct Header {
  Bell request;
  Bell reply;
};

enum class Wake { kSpin, kSemaphore, kEventfd };

class Memory {
 public:
  Memory(std::size_t size, Wake wake) : size_(size), wake_(wake) {
    void* memory = mmap(nullptr, sizeof(Header) + 2 * size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    require(memory != MAP_FAILED, "mmap");
    header_ = new (memory) Header;
    for (Bell* bell : {&header_->request, &header_->reply}) {
      require_call(sem_init(&bell->semaphore, 1, 0), "sem_init");
      bell->descriptor = eventfd(0, 0);
      require_call(bell->descriptor, "eventfd");
    }
  }
  [[nodiscard]] std::byte* request() const { return reinterpret_cast<std::byte*>(header_ + 1); }
  [[nodiscard]] std::byte* reply() const { return request() + size_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Bell& request_bell() const { return header_->request; }
  [[nodiscard]] Bell& reply_bell() const { return header_->reply; }

  void ring(Bell& bell, std::uint64_t number) const {
    const std::uint64_t one = 1;
    switch (wake_) {
      case Wake::kSpin:
        bell.rung.store(number, std::memory_order_release);
        break;
      case Wake::kSemaphore:
        require_call(sem_post(&bell.semaphore), "sem_post");
        break;
      case Wake::kEventfd:
        require(write(bell.descriptor, &one, sizeof one) == sizeof one, "write");
        break;
    }
  }
  void await(Bell& bell, std::uint64_t number) const {
    std::uint64_t count = 0;
    switch (wake_) {
      case Wake::kSpin:
        while (bell.rung.load(std::memory_order_acquire) != number) pause();
        break;
      case Wake::kSemaphore:
        while (sem_wait(&bell.semaphore) != 0) {
        }
        break;
      case Wake::kEventfd:
        require(read(bell.descriptor, &count, sizeof count) == sizeof count, "read");
        break;
    }
  }

 private:
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  std::size_t size_;
  Wake wake_;
  Header* header_ = nullptr;
};

class MemoryCaller final : public Caller {
 public:
  explicit MemoryCaller(const Memory& memory) : memory_(memory), reply_(memory.size()) {}
  void call(Payload& payload) override {
    const std::span<const std::byte> request = payload.next();
    std::memcpy(memory_.request(), request.data(), request.size());
    memory_.ring(memory_.request_bell(), ++number_);
    memory_.await(memory_.reply_bell(), number_);
    std::memcpy(reply_.data(), memory_.reply(), reply_.size());
    payload.check(reply_);
  }

 private:
  const Memory& memory_;
  std::vector<std::byte> reply_;
  std::uint64_t number_ = 0;
};

class MemoryFloor final : public Contestant {
 public:
  MemoryFloor(std::size_t size, Wake wake) : memory_(size, wake) {}
  void serve(const std::function<void()>& ready) override {
    std::vector<std::byte> buffer(memory_.size());
    ready();
    for (std::uint64_t number = 1;; ++number) {
      memory_.await(memory_.request_bell(), number);
      std::memcpy(buffer.data(), memory_.request(), buffer.size());
      std::memcpy(memory_.reply(), buffer.data(), buffer.size());
      memory_.ring(memory_.reply_bell(), number);
    }
  }
  std::unique_ptr<Caller> connect() override { return std::make_unique<MemoryCaller>(memory_); }

 private:
  Memory memory_;
};

}  // namespace

std::unique_ptr<Contestant> make_memory_floor(const Setup& setup) {
  if (setup.name != "shm" && setup.name != "memfd") return nullptr;
  const Wake parked = setup.name == "shm" ? Wake::kSemaphore : Wake::kEventfd;
  return std::make_unique<MemoryFloor>(setup.size, setup.spin ? Wake::kSpin : parked);
}

}  // namespace bench
