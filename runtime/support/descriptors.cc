#include <algorithm>
#include <cerrno>
#include <string>
#include <sys/resource.h>
#include <utility>

#include <ferry/limits.h>
#include <ferry/support/descriptors.h>

#include "runtime/support/descriptor_hook.h"

namespace ferry::support {
namespace {

bool contains(const std::vector<const capnp::ClientHook*>& hooks, const capnp::ClientHook* hook) {
  return std::find(hooks.begin(), hooks.end(), hook) != hooks.end();
}

// What sender and receiver ask of every pointer alike: an attachment of its own that obeys the
// rules.
Status check_attachment(capnp::ClientHook& hook, const FdRule& rule, const Place& where) {
  DescriptorHook* const ours = DescriptorHook::from(hook);
  if (ours == nullptr) {
    return Status::invalid_argument(where.to_string() +
                                    ": is not a file descriptor: use ferry::attach()");
  }
  const int fd = ours->descriptor().get();
  if (fd < 0) {
    return Status::failed_precondition(where.to_string() +
                                       ": its descriptor was already taken or sent");
  }
  return check_descriptor(fd, rule, where);
}

Status twice(const Place& where) {
  return Status::invalid_argument(
      where.to_string() +
      ": its descriptor stands elsewhere in the message too: attach a duplicate() instead");
}

std::string full_table_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return "RLIMIT_NOFILE";
  return "RLIMIT_NOFILE is " + std::to_string(limit.rlim_cur);
}

}  // namespace

Status DescriptorCollector::on_client(capnp::Capability::Client client, const FdRule& rule,
                                      const Place& where) {
  // Above the limit they are only counted, for finish() to say how many there are.
  if (++count_ > limits::kDescriptors) return {};
  auto hook = capnp::ClientHook::from(kj::mv(client));
  if (contains(live_, hook.get())) return twice(where);
  if (Status status = check_attachment(*hook, rule, where); !status.ok()) return status;
  live_.push_back(hook.get());
  return {};
}

Status DescriptorCollector::finish() {
  Attachments& out = message_.attachments();
  out.slots.clear();
  out.descriptors.clear();
  if (count_ == 0) return {};
  if (count_ > limits::kDescriptors) {
    return Status::resource_exhausted("the message has " + std::to_string(count_) +
                                      " descriptors, one may have " +
                                      std::to_string(limits::kDescriptors));
  }
  const std::vector<capnp::ClientHook*> hooks = message_.hooks();
  std::vector<DescriptorHook*> found;
  found.reserve(count_);
  out.slots.reserve(count_);
  for (std::size_t slot = 0; slot < hooks.size(); ++slot) {
    if (hooks[slot] == nullptr || !contains(live_, hooks[slot])) continue;
    if (slot >= limits::kAttachmentSlots) {
      out.slots.clear();
      return Status::resource_exhausted(
          "descriptors were put into the message " + std::to_string(hooks.size()) +
          " times, at most " + std::to_string(limits::kAttachmentSlots) +
          " are possible even if they were overwritten: build the message anew");
    }
    found.push_back(DescriptorHook::from(*hooks[slot]));
    out.slots.push_back(static_cast<std::uint16_t>(slot));
  }
  if (found.size() != live_.size()) {
    out.slots.clear();
    return Status::invalid_argument(
        "one descriptor stands in two places of the message, if only in a union's inactive arm: "
        "attach a duplicate() instead");
  }
  out.descriptors.reserve(found.size());
  for (DescriptorHook* const hook : found) {
    out.descriptors.push_back(hook->take());
    if (out.descriptors.back().valid()) continue;
    out = {};
    return Status::failed_precondition(
        "a descriptor of the message was taken by another thread while it was sent");
  }
  return {};
}

Status DescriptorChecker::on_client(capnp::Capability::Client client, const FdRule& rule,
                                    const Place& where) {
  auto hook = capnp::ClientHook::from(kj::mv(client));
  if (contains(live_, hook.get())) return twice(where);
  if (Status status = check_attachment(*hook, rule, where); !status.ok()) return status;
  live_.push_back(hook.get());
  return {};
}

Status DescriptorChecker::finish() {
  for (capnp::ClientHook* const hook : message_.hooks()) {
    if (!contains(live_, hook)) DescriptorHook::from(*hook)->take().reset();
  }
  return {};
}

Result<Attachment> attach_argument(const FdArg& arg, const Place& where) {
  auto fd = arg.take();
  if (fd) return attach(std::move(*fd));
  Status status = fd.status();
  if (status.code() == StatusCode::kResourceExhausted) {
    return Status::resource_exhausted(where.to_string() + ": " + status.message() + " (" +
                                      full_table_limit() + ")");
  }
  return status.with_context(where.to_string());
}

UniqueFd* attached(const capnp::Capability::Client& client) noexcept {
  auto hook = hook_of(client);
  DescriptorHook* const ours = DescriptorHook::from(*hook);
  return ours == nullptr ? nullptr : &ours->descriptor();
}

}  // namespace ferry::support
