// A Caller that takes each call straight to a service, through real messages.
#pragma once

#include <memory>
#include <string>

#include <ferry/server_context.h>
#include <ferry/support/call.h>

#include "tests/messages/helpers.h"

namespace ferry::testing {

class LoopbackContext final : public ServerContext {
 public:
  explicit LoopbackContext(std::string_view method) : method_(method) {}
  [[nodiscard]] const Peer& peer() const override { return peer_; }
  [[nodiscard]] std::chrono::steady_clock::time_point deadline() const override {
    return std::chrono::steady_clock::time_point::max();
  }
  [[nodiscard]] bool cancelled() const override { return false; }
  [[nodiscard]] std::string_view transport() const override { return "loopback"; }
  [[nodiscard]] std::string_view method() const override { return method_; }

 private:
  Peer peer_;
  std::string_view method_;
};

class Loopback final : public support::Caller {
 public:
  explicit Loopback(support::ServiceBase& service) : service_(service) {}

  Status call(const support::Target& target, const support::MethodInfo& method,
              support::RawBuilder& request, const CallOptions&,
              support::RawReader& reply) override {
    last_target_ = target.interface;
    last_instance_ = target.instance_name;
    support::RawReader in;
    if (Status status = in.open(deliver(request)); !status.ok()) return status;
    support::RawBuilder out;
    LoopbackContext context(service_.ferry_method_name(method.interface->type_id, method.ordinal));
    Status status =
        service_.ferry_dispatch(method.interface->type_id, method.ordinal, context, in, out);
    if (!status.ok()) return status;
    return reply.open(deliver(out));
  }

  [[nodiscard]] const support::InterfaceInfo* last_target() const { return last_target_; }
  [[nodiscard]] const std::string& last_instance() const { return last_instance_; }

 private:
  support::ServiceBase& service_;
  const support::InterfaceInfo* last_target_ = nullptr;
  std::string last_instance_;
};

// A stub that talks to `service`.
template <typename Stub>
[[nodiscard]] Stub loop(support::ServiceBase& service) {
  return Stub(std::make_shared<Loopback>(service));
}

}  // namespace ferry::testing
