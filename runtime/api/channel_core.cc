#include "runtime/api/channel_core.h"

#include <algorithm>
#include <utility>

#include "runtime/api/session_options.h"
#include "runtime/drivers/fork_guard.h"
#include "transports/rendezvous/client.h"

namespace ferry::api {

using drivers::ClientConnection;
using support::ServiceEntry;
using transports::Clock;
using transports::kNever;
using transports::TimePoint;

namespace {

// kNoDeadline is the common case: it needs no look at the clock.
TimePoint deadline_of(std::chrono::nanoseconds time) {
  return time == kNoDeadline ? kNever : transports::deadline_after(time);
}

std::string method_name(const support::MethodInfo& method) {
  return std::string(method.interface->name) + "." + std::string(method.name);
}

// "demo.Files, demo.Greeter "spare"".
std::string list_of(const std::vector<ServiceEntry>& services) {
  std::string text;
  for (const ServiceEntry& entry : services) {
    if (!text.empty()) text += ", ";
    text += entry.interface_name;
    if (!entry.name.empty()) text += " \"" + entry.name + "\"";
  }
  return text.empty() ? "nothing" : text;
}

Status too_late(const support::MethodInfo& method) {
  return Status::deadline_exceeded(method_name(method) +
                                   ": the deadline passed before the call was sent");
}

Status forked_status() {
  return Status::failed_precondition(
      "this channel belongs to the parent process: connect again after fork()");
}

}  // namespace

ChannelCore::ChannelCore(transports::Target target, const ConnectOptions& options, UniqueFd adopted)
    : target_(std::move(target)),
      options_(options),
      fork_generation_(drivers::fork_generation()),
      adopted_(std::move(adopted)) {}

ChannelCore::~ChannelCore() {
  if (!forked()) return;
  // The connection's locks may be held by threads that do not exist here: leave it as it is.
  static_cast<void>(new std::shared_ptr<const Connection>(std::move(connection_)));
}

bool ChannelCore::forked() const noexcept { return drivers::fork_generation() != fork_generation_; }

std::shared_ptr<const ChannelCore::Connection> ChannelCore::current() {
  const std::lock_guard lock(mutex_);
  return connection_;
}

Status ChannelCore::connect_now(TimePoint deadline) { return connection(deadline).status(); }

Result<std::shared_ptr<const ChannelCore::Connection>> ChannelCore::connection(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (closed_) return Status::cancelled("the channel is closed");
    if (connection_ && connection_->driver->usable()) return connection_;
    if (!connecting_) break;
    if (deadline == kNever) {
      connected_.wait(lock);
    } else if (connected_.wait_until(lock, deadline) == std::cv_status::timeout) {
      return Status::deadline_exceeded("connect to " + target_.text +
                                       ": another thread was still at it at the deadline");
    }
  }
  connecting_ = true;
  lock.unlock();
  auto made = make_connection(deadline);
  lock.lock();
  connecting_ = false;
  connected_.notify_all();
  return made;
}

Result<std::shared_ptr<const ChannelCore::Connection>> ChannelCore::make_connection(
    TimePoint deadline) {
  auto connected = shake_hands(std::min(deadline, deadline_of(options_.timeout)));
  if (!connected) return connected.status();
  auto greeting = support::decode_greeting(connected->greeting);
  if (!greeting) return greeting.status().with_context("connect to " + target_.text);

  auto made = std::make_shared<Connection>();
  made->driver = std::make_shared<ClientConnection>(
      std::move(connected->lane), session_options(options_.message_bytes, *greeting),
      options_.spin == Spin::kDefault ? Spin::kAdaptive : options_.spin);
  made->services = std::move(greeting->services);
  made->explain = std::move(connected->explain);
  made->peer = connected->peer;

  const std::lock_guard lock(mutex_);
  if (closed_) return Status::cancelled("the channel is closed");
  if (connection_) keep_superseded(std::move(connection_));
  connection_ = std::move(made);
  return connection_;
}

// Calls may still be in flight on it: a server that is going away answers them.
void ChannelCore::keep_superseded(const std::shared_ptr<const Connection>& old) {
  std::erase_if(superseded_, [](const auto& driver) { return driver.expired(); });
  superseded_.push_back(old->driver);
}

Result<transports::Connected> ChannelCore::shake_hands(TimePoint deadline) {
  support::Greeting greeting;
  greeting.message_bytes = options_.message_bytes;
  transports::ConnectOptions options;
  options.trust = options_.trust;
  options.deadline = deadline;
  options.greeting = support::encode_greeting(greeting);
  if (target_.kind != transports::Target::Kind::kDescriptor) {
    return transports::connect(target_, options);
  }
  UniqueFd socket;
  {
    const std::lock_guard lock(mutex_);
    socket = std::move(adopted_);
  }
  if (!socket) {
    return Status::unavailable("the connection over " + target_.text +
                               " is gone, and an adopted socket cannot be connected again");
  }
  auto connected = transports::handshake_as_client(std::move(socket), target_.order, options);
  if (!connected) return connected.status().with_context("connect to \"" + target_.text + "\"");
  return connected;
}

// The instance called `target.instance_name`; without a name the only one of that interface, or
// else the only one that extends it.
Result<std::uint32_t> ChannelCore::find_instance(const Connection& connection,
                                                 const support::Target& target) const {
  const ServiceEntry* exact = nullptr;
  const ServiceEntry* derived = nullptr;
  bool ambiguous_exact = false;
  bool ambiguous_derived = false;
  for (const ServiceEntry& entry : connection.services) {
    if (!target.instance_name.empty() && entry.name != target.instance_name) continue;
    const auto& ids = entry.interfaces;
    const auto at = std::find(ids.begin(), ids.end(), target.interface->type_id);
    if (at == ids.end()) continue;
    const ServiceEntry*& found = at == ids.begin() ? exact : derived;
    bool& ambiguous = at == ids.begin() ? ambiguous_exact : ambiguous_derived;
    ambiguous = found != nullptr && !(found->name.empty() != entry.name.empty());
    if (found == nullptr || entry.name.empty()) found = &entry;  // the one without a name is meant
  }
  const ServiceEntry* chosen = exact != nullptr ? exact : derived;
  if (chosen != nullptr && !(exact != nullptr ? ambiguous_exact : ambiguous_derived)) {
    return chosen->instance;
  }
  std::string wanted(target.interface->name);
  if (!target.instance_name.empty()) wanted += " \"" + std::string(target.instance_name) + "\"";
  if (chosen != nullptr) {
    return Status::failed_precondition(
        "the server at " + target_.text + " has several services of " + wanted +
        ": name one to the Stub. It serves " + list_of(connection.services));
  }
  return Status::unimplemented("the server at " + target_.text + " has no service " + wanted +
                               ". It serves " + list_of(connection.services));
}

Status ChannelCore::call(const support::Target& target, const support::MethodInfo& method,
                         support::RawBuilder& request, const CallOptions& options,
                         support::RawReader& reply) {
  if (forked()) return forked_status();
  if (options.deadline <= std::chrono::nanoseconds{0}) return too_late(method);
  const TimePoint deadline = deadline_of(options.deadline);
  bool may_try_again = false;
  Status status;
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto connected = connection(deadline);
    if (!connected) return connected.status().with_context(method_name(method));
    status =
        call_over(**connected, target, method, request, options, deadline, reply, may_try_again);
    // The connection had ended before the server could see the call: a new one may be had.
    if (!may_try_again) break;
  }
  return status;
}

Status ChannelCore::call_over(const Connection& connection, const support::Target& target,
                              const support::MethodInfo& method, support::RawBuilder& request,
                              const CallOptions& options, TimePoint deadline,
                              support::RawReader& reply, bool& may_try_again) {
  may_try_again = false;
  if (!options.transport.empty() && options.transport != connection.driver->transport()) {
    return Status::failed_precondition(method_name(method) + ": the call must travel on " +
                                       std::string(options.transport) + ", but the channel to " +
                                       target_.text + " has " +
                                       std::string(connection.driver->transport()));
  }
  const auto instance = find_instance(connection, target);
  if (!instance) return instance.status().with_context(method_name(method));

  protocol::CallHead head;
  head.interface_id = method.interface->type_id;
  head.method = method.ordinal;
  head.instance = *instance;
  if (deadline != kNever) {
    head.time_left = deadline - Clock::now();
    if (head.time_left.count() <= 0) return too_late(method);
  }
  protocol::OutgoingMessage message;
  message.segments = request.segments();
  const bool descriptors = !request.attachments().empty();
  message.attachments = std::move(request.attachments());
  support::WireMessage answer;
  ClientConnection::Outcome outcome =
      connection.driver->call(head, std::move(message), deadline, answer);
  if (outcome.status.ok()) {
    Status opened = reply.open(std::move(answer));
    return opened.ok() ? opened : opened.with_context(method_name(method));
  }
  if (outcome.from_peer) return std::move(outcome.status);
  // Descriptors went with the failed attempt.
  may_try_again =
      !outcome.sent && !descriptors && outcome.status.code() == StatusCode::kUnavailable;
  return outcome.status.with_context(method_name(method) + " at " + target_.text);
}

std::string ChannelCore::transport() {
  const auto now = current();
  return now ? std::string(now->driver->transport()) : std::string();
}

std::string ChannelCore::explain() {
  const auto now = current();
  return now ? now->explain : target_.text + ": not connected yet";
}

Peer ChannelCore::peer() {
  const auto now = current();
  return now ? now->peer : Peer{};
}

Status ChannelCore::close(std::chrono::nanoseconds wait) {
  if (forked()) return forked_status();
  std::vector<std::shared_ptr<ClientConnection>> drivers;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto& old : superseded_) {
      if (auto driver = old.lock()) drivers.push_back(std::move(driver));
    }
    superseded_.clear();
    if (connection_) drivers.push_back(connection_->driver);
    connection_.reset();
    adopted_.reset();
  }
  const TimePoint until = deadline_of(wait);
  bool ended_some = false;
  for (const auto& driver : drivers) {
    ended_some |= driver->close(until, Status::cancelled("the channel was closed"));
  }
  if (!ended_some) return {};
  return Status::deadline_exceeded("calls were still in flight when the channel to " +
                                   target_.text + " was closed");
}

}  // namespace ferry::api
