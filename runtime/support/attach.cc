#include <string>
#include <utility>

#include <ferry/attach.h>

#include "runtime/support/descriptor_hook.h"

namespace ferry {

using support::DescriptorHook;

Attachment attach(UniqueFd fd) {
  return Attachment(kj::atomicRefcounted<DescriptorHook>(std::move(fd)));
}

Result<UniqueFd> take(const capnp::Capability::Client& client) {
  auto hook = support::hook_of(client);
  DescriptorHook* const ours = DescriptorHook::from(*hook);
  if (ours == nullptr) {
    return Status::failed_precondition(
        hook->isNull() ? "take a descriptor: the pointer is null"
                       : "take a descriptor: the pointer is no descriptor of ferry's");
  }
  UniqueFd fd = ours->take();
  if (!fd) return Status::failed_precondition("take a descriptor: it was already taken or sent");
  return fd;
}

int fd_of(const capnp::Capability::Client& client) noexcept {
  auto hook = support::hook_of(client);
  DescriptorHook* const ours = DescriptorHook::from(*hook);
  return ours == nullptr ? -1 : ours->descriptor().get();
}

}  // namespace ferry
