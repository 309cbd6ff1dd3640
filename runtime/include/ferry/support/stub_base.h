// The client's side of generated code: what a Stub stands on, and one unary call.
// For generated code; not for users.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <ferry/call_options.h>
#include <ferry/channel.h>
#include <ferry/message.h>
#include <ferry/result.h>
#include <ferry/support/call.h>
#include <ferry/support/decode.h>
#include <ferry/support/descriptors.h>
#include <ferry/support/encode.h>
#include <ferry/support/walk.h>

namespace ferry::support {

// An interface's infos, specialised by generated code.
template <typename X>
struct Interface;

// What calls go through: a channel, or a Caller that a test made.
class CallerRef {
 public:
  CallerRef(const Channel& channel)  // NOLINT(google-explicit-constructor)
      : caller_(channel.ferry_caller()) {}
  template <std::derived_from<Caller> Derived>
  CallerRef(std::shared_ptr<Derived> caller)  // NOLINT(google-explicit-constructor)
      : caller_(std::move(caller)) {}
  [[nodiscard]] std::shared_ptr<Caller> take() && { return std::move(caller_); }

 private:
  std::shared_ptr<Caller> caller_;
};

// Virtual base of every Stub, so that a stub of an interface that extends others has one
// connection. Thread safety: as for the Caller, so any number of threads may call.
class StubBase {
 public:
  // The instance's name on the server that the calls go to, or "" for the only one.
  [[nodiscard]] const std::string& instance() const noexcept { return instance_; }

  // For generated code.
  Status ferry_call(const MethodInfo& method, RawBuilder& request, const CallOptions& options,
                    RawReader& reply) const {
    return caller_->call(Target{interface_, instance_}, method, request, options, reply);
  }

 protected:
  StubBase() = default;
  StubBase(const InterfaceInfo& interface, CallerRef caller, std::string_view instance)
      : interface_(&interface), caller_(std::move(caller).take()), instance_(instance) {}
  ~StubBase() = default;
  // Moved as copied: a virtual base may be assigned to more than once.
  StubBase(const StubBase&) = default;
  StubBase& operator=(const StubBase&) = default;

 private:
  const InterfaceInfo* interface_ = nullptr;
  std::shared_ptr<Caller> caller_;
  std::string instance_;
};

// Checks the descriptors of a message that is built, and puts them where they are sent from.
template <typename S>
[[nodiscard]] Status collect_descriptors(RawBuilder& message, const Place& where) {
  if constexpr (!kHoldsDescriptors<S>) {
    return {};
  } else {
    DescriptorCollector collector(message);
    Status walked = guarded(where, [&] {
      Codec<S>::walk(message.root_reader().getAs<S>(), Walker{&collector, false}, where);
    });
    return walked.ok() ? collector.finish() : walked;
  }
}

// Checks a message that came in: its descriptors and, when `everything`, that each pointer in it
// can be read.
template <typename S>
[[nodiscard]] Status check_message(RawReader& message, typename S::Reader root, bool everything,
                                   const Place& where) {
  if constexpr (kHoldsDescriptors<S>) {
    DescriptorChecker checker(message);
    Status walked = guarded(where, [&] {
      Codec<S>::walk(root, Walker{&checker, everything}, where);
    });
    return walked.ok() ? checker.finish() : walked;
  } else {
    // Descriptors in fields that we don't know are closed with the message.
    if (!everything) return {};
    return guarded(where, [&] { Codec<S>::walk(root, Walker{nullptr, true}, where); });
  }
}

// One unary call in message form.
template <typename P, typename R>
[[nodiscard]] Result<MessageReader<R>> call_message(const StubBase& stub, const MethodInfo& method,
                                                    MessageBuilder<P>& params,
                                                    const CallOptions& options) {
  const Place where(method.name);
  Result<MessageReader<R>> reply(std::in_place);  // filled where it stands: moving one is work
  Status status = collect_descriptors<P>(params.raw(), where);
  if (status.ok()) status = stub.ferry_call(method, params.raw(), options, reply->raw());
  if (status.ok()) status = reply->bind();
  if (status.ok()) status = check_message<R>(reply->raw(), reply->root(), true, where);
  if (!status.ok()) reply = std::move(status);
  return reply;
}

// One unary call in plain form. `params` is consumed before this returns.
template <typename P, typename R>
[[nodiscard]] Result<Plain<R>> call_plain(const StubBase& stub, const MethodInfo& method,
                                          const View<P>& params, const CallOptions& options) {
  static_assert(std::is_trivially_destructible_v<View<P>>,
                "g++ 12 destroys a braced argument twice inside a co_await expression");
  const Place where(method.name);
  RawReader reply;
  {
    RawBuilder request;
    Status status =
        guarded(where, [&] { Codec<P>::encode(params, request.root().initAs<P>(), where); });
    if (status.ok()) status = collect_descriptors<P>(request, where);
    if (status.ok()) status = stub.ferry_call(method, request, options, reply);
    if (!status.ok()) return status;
  }
  Result<Plain<R>> result(std::in_place);
  Status status = guarded(where, [&] {
    const typename R::Reader root = reply.root().getAs<R>();
    require(check_message<R>(reply, root, false, where));
    Decoder decoder;
    Codec<R>::decode(root, *result, decoder);
  });
  if (!status.ok()) return status;
  return result;
}

}  // namespace ferry::support
