// SharedMapping: memory that this process shares with a peer.
#pragma once

#include <cstddef>
#include <string_view>
#include <sys/types.h>

#include <ferry/result.h>

namespace ferry::transports::sys {

// Owns one MAP_SHARED mapping of a descriptor, all of it readable and writable, all pages present.
// A child made by fork() does not have it (MADV_DONTFORK, madvise(2)): there get() must not be
// used; usable() says so. Thread safety: as for a pointer.
class SharedMapping {
 public:
  SharedMapping() noexcept = default;
  SharedMapping(SharedMapping&& other) noexcept;
  SharedMapping& operator=(SharedMapping&& other) noexcept;
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;
  ~SharedMapping();

  // Maps the first `bytes` bytes of `fd`, which may be closed afterwards. `what` is for messages.
  [[nodiscard]] static Result<SharedMapping> map(int fd, std::size_t bytes, std::string_view what);

  [[nodiscard]] std::byte* get() const noexcept { return address_; }
  // False in a forked child of the process that mapped it. One system call.
  [[nodiscard]] bool usable() const noexcept;

 private:
  SharedMapping(std::byte* address, std::size_t bytes) noexcept;

  std::byte* address_ = nullptr;
  std::size_t bytes_ = 0;
  pid_t owner_ = 0;
};

}  // namespace ferry::transports::sys
