#include <utility>

#include <ferry/channel.h>

#include "runtime/api/channel_core.h"

namespace ferry {

using api::ChannelCore;

namespace {

ChannelCore& core(const std::shared_ptr<support::Caller>& caller) {
  return static_cast<ChannelCore&>(*caller);
}

Result<std::shared_ptr<ChannelCore>> make_core(std::string_view text,
                                               const ConnectOptions& options) {
  auto target = transports::parse_target(text);
  if (!target) return target.status();
  UniqueFd adopted;
  if (target->kind == transports::Target::Kind::kDescriptor) adopted.reset(target->descriptor);
  return std::make_shared<ChannelCore>(std::move(*target), options, std::move(adopted));
}

}  // namespace

Result<Channel> Channel::connect(std::string_view target, const ConnectOptions& options) {
  auto core = make_core(target, options);
  if (!core) return core.status();
  if (Status status = (*core)->connect_now(transports::kNever); !status.ok()) return status;
  return Channel(std::move(*core));
}

Result<Channel> Channel::lazy(std::string_view target, const ConnectOptions& options) {
  auto core = make_core(target, options);
  if (!core) return core.status();
  return Channel(std::move(*core));
}

Result<Channel> Channel::adopt(UniqueFd socket, const ConnectOptions& options) {
  if (!socket) {
    return Status::invalid_argument("adopt a socket: there is none; pass a connected local socket");
  }
  transports::Target target;
  target.kind = transports::Target::Kind::kDescriptor;
  target.descriptor = socket.get();
  target.text = "fd:" + std::to_string(socket.get());
  auto core = std::make_shared<ChannelCore>(std::move(target), options, std::move(socket));
  if (Status status = core->connect_now(transports::kNever); !status.ok()) return status;
  return Channel(std::move(core));
}

Channel::Channel(Channel&&) noexcept = default;

Channel& Channel::operator=(Channel&& other) noexcept {
  if (this != &other) {
    Channel old(std::move(*this));
    caller_ = std::move(other.caller_);
  }
  return *this;
}

Channel::~Channel() {
  if (caller_ && !core(caller_).forked()) static_cast<void>(close());
}

std::string Channel::transport() const { return core(caller_).transport(); }
std::string Channel::explain() const { return core(caller_).explain(); }
Peer Channel::peer() const { return core(caller_).peer(); }
Status Channel::close(std::chrono::nanoseconds wait) { return core(caller_).close(wait); }

}  // namespace ferry
