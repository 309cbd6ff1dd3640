#include "tests/drivers/echo_service.h"

#include <iterator>
#include <thread>

#include <capnp/any.h>
#include <capnp/blob.h>

#include <ferry/server_context.h>
#include <ferry/support/raw_message.h>

namespace ferry::testing {

namespace {

capnp::Data::Reader as_data(std::string_view text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}

std::string text_of(capnp::AnyPointer::Reader root) {
  const auto bytes = root.getAs<capnp::Data>();
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

std::string who(const ServerContext& context) {
  const Peer& peer = context.peer();
  return std::to_string(peer.pid) + " " + std::to_string(peer.uid) + " " +
         std::to_string(peer.gid) + " " + std::string(name(peer.trust)) + " " +
         std::string(context.transport()) + " " + std::string(context.method());
}

std::string time_left(const ServerContext& context) {
  if (context.deadline() == std::chrono::steady_clock::time_point::max()) return "never";
  const auto left = context.deadline() - std::chrono::steady_clock::now();
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
}

}  // namespace

std::string_view EchoService::ferry_method_name(std::uint64_t interface_id,
                                                std::uint16_t ordinal) const {
  static constexpr std::string_view kNames[] = {"test.Echo.echo", "test.Echo.fail",
                                                "test.Echo.hang", "test.Echo.who",
                                                "test.Echo.hold", "test.Echo.timeLeft"};
  const bool known = interface_id == kEcho.type_id && ordinal < std::size(kNames);
  return known ? kNames[ordinal] : std::string_view();
}

Status EchoService::ferry_dispatch(std::uint64_t interface_id, std::uint16_t ordinal,
                                   ServerContext& context, support::RawReader& request,
                                   support::RawBuilder& reply) {
  calls.fetch_add(1);
  if (interface_id != interface_->type_id) return Status::unimplemented("no such interface");
  switch (ordinal) {
    case 0:
      reply.root().setAs<capnp::Data>(request.root().getAs<capnp::Data>());
      return {};
    case 1:
      return Status::not_found(text_of(request.root()));
    case 2:
      hanging.fetch_add(1);
      while (!context.cancelled()) std::this_thread::yield();
      hanging.fetch_sub(1);
      return Status::cancelled("noticed");
    case 3:
      reply.root().setAs<capnp::Data>(as_data(who(context)));
      return {};
    case 4:
      gate->pass();
      reply.root().setAs<capnp::Data>(request.root().getAs<capnp::Data>());
      return {};
    case 5:
      reply.root().setAs<capnp::Data>(as_data(time_left(context)));
      return {};
    default:
      return Status::unimplemented("test.Echo has no method " + std::to_string(ordinal));
  }
}

Result<std::string> call(support::Caller& caller, const support::MethodInfo& method,
                         std::string_view text, const CallOptions& options,
                         const support::InterfaceInfo& interface, std::string_view instance) {
  support::RawBuilder request;
  support::RawReader reply;
  request.root().setAs<capnp::Data>(as_data(text));
  Status status = caller.call({&interface, instance}, method, request, options, reply);
  if (!status.ok()) return status;
  return text_of(reply.root());
}

}  // namespace ferry::testing
