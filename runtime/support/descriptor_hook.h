// DescriptorHook: the capability behind an Fd pointer. It owns the descriptor.
#pragma once

#include <atomic>
#include <utility>

#include <capnp/capability.h>
#include <kj/refcount.h>

#include <ferry/unique_fd.h>

namespace ferry::support {

// Counted atomically and bound to no KJ event loop, so messages that hold one may be built, copied
// and dropped in any thread. Calling it ends in a broken promise.
//
// capnp::ClientHook has no virtual destructor: hooks are only destroyed by kj::Own's disposer,
// which is this class's own (AtomicRefcounted). So GCC's warning does not apply.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class DescriptorHook final : public capnp::ClientHook, public kj::AtomicRefcounted {
 public:
  explicit DescriptorHook(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
  ~DescriptorHook() noexcept { discard(std::move(fd_)); }

  // `hook` itself when it is one of ours, nullptr otherwise.
  [[nodiscard]] static DescriptorHook* from(capnp::ClientHook& hook) noexcept;

  // Moves the descriptor out. Of several threads that try, one gets it, the others get none.
  [[nodiscard]] UniqueFd take() noexcept;
  // The descriptor in its place. Not to be used in one thread while another takes it.
  [[nodiscard]] UniqueFd& descriptor() noexcept { return fd_; }

  capnp::Request<capnp::AnyPointer, capnp::AnyPointer> newCall(
      uint64_t interface_id, uint16_t method, kj::Maybe<capnp::MessageSize> size_hint) override;
  VoidPromiseAndPipeline call(uint64_t interface_id, uint16_t method,
                              kj::Own<capnp::CallContextHook>&& context) override;
  kj::Maybe<capnp::ClientHook&> getResolved() override { return nullptr; }
  kj::Maybe<kj::Promise<kj::Own<capnp::ClientHook>>> whenMoreResolved() override { return nullptr; }
  kj::Own<capnp::ClientHook> addRef() override { return kj::atomicAddRef(*this); }
  const void* getBrand() override;
  kj::Maybe<int> getFd() override;

 private:
  UniqueFd fd_;
  std::atomic<bool> taken_ = false;
};
#pragma GCC diagnostic pop

// The hook behind `client`, to look at. Copying a client only counts a reference, but its copy
// constructor takes it as not const.
[[nodiscard]] inline kj::Own<capnp::ClientHook> hook_of(const capnp::Capability::Client& client) {
  return capnp::ClientHook::from(const_cast<capnp::Capability::Client&>(client));
}

}  // namespace ferry::support
