#include "runtime/support/descriptor_hook.h"

#include <utility>

#include <kj/exception.h>

namespace ferry::support {
namespace {

// Only its address counts: it tells our hooks from others.
constexpr char kBrand = 0;

kj::Exception not_callable() {
  return {kj::Exception::Type::UNIMPLEMENTED, __FILE__, __LINE__,
          kj::heapString("a file descriptor has no methods")};
}

}  // namespace

DescriptorHook* DescriptorHook::from(capnp::ClientHook& hook) noexcept {
  return hook.getBrand() == &kBrand ? static_cast<DescriptorHook*>(&hook) : nullptr;
}

UniqueFd DescriptorHook::take() noexcept {
  if (taken_.exchange(true, std::memory_order_acq_rel)) return {};
  return std::move(fd_);
}

capnp::Request<capnp::AnyPointer, capnp::AnyPointer> DescriptorHook::newCall(
    uint64_t /*interface_id*/, uint16_t /*method*/, kj::Maybe<capnp::MessageSize> size_hint) {
  return capnp::newBrokenRequest(not_callable(), size_hint);
}

capnp::ClientHook::VoidPromiseAndPipeline DescriptorHook::call(
    uint64_t /*interface_id*/, uint16_t /*method*/, kj::Own<capnp::CallContextHook>&& /*context*/) {
  return {not_callable(), capnp::newBrokenPipeline(not_callable())};
}

const void* DescriptorHook::getBrand() { return &kBrand; }

kj::Maybe<int> DescriptorHook::getFd() {
  if (!fd_) return nullptr;
  return fd_.get();
}

}  // namespace ferry::support
