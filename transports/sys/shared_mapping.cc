#include "transports/sys/shared_mapping.h"

#include <cerrno>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace ferry::transports::sys {

SharedMapping::SharedMapping(std::byte* address, std::size_t bytes) noexcept
    : address_(address), bytes_(bytes), owner_(::getpid()) {}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      owner_(other.owner_) {}

SharedMapping& SharedMapping::operator=(SharedMapping&& other) noexcept {
  std::swap(address_, other.address_);
  std::swap(bytes_, other.bytes_);
  std::swap(owner_, other.owner_);
  return *this;
}

SharedMapping::~SharedMapping() {
  // In a forked child the addresses may be somebody else's by now.
  if (address_ != nullptr && usable()) ::munmap(address_, bytes_);
}

bool SharedMapping::usable() const noexcept { return owner_ == ::getpid(); }

Result<SharedMapping> SharedMapping::map(int fd, std::size_t bytes, std::string_view what) {
  const auto tried = [&](std::string_view verb) {
    return std::string(verb) + " " + std::to_string(bytes) + " bytes of " + std::string(what);
  };
  // Populated at once: a call should not pay for the first touch of its pages.
  void* address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (address == MAP_FAILED) return Status::from_errno(errno, tried("mapping"));
  SharedMapping mapping(static_cast<std::byte*>(address), bytes);
  if (::madvise(address, bytes, MADV_DONTFORK) != 0) {
    return Status::from_errno(errno, tried("keeping a forked child from"));
  }
  return mapping;
}

}  // namespace ferry::transports::sys
