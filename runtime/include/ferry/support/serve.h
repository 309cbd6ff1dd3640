// The server's side of generated code: one unary call.
// For generated code; not for users.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include <ferry/message.h>
#include <ferry/result.h>
#include <ferry/server_context.h>
#include <ferry/support/arena.h>
#include <ferry/support/call.h>
#include <ferry/support/service_base.h>
#include <ferry/support/stub_base.h>

namespace ferry::support {

[[nodiscard]] inline std::string full_name(const MethodInfo& method) {
  return std::string(method.interface->name) + "." + std::string(method.name);
}

[[nodiscard]] inline Status not_implemented(const MethodInfo& method) {
  return Status::unimplemented(full_name(method) + ": this service does not implement it");
}

[[nodiscard]] inline Status unknown_method(const InterfaceInfo& own, std::uint64_t interface_id,
                                           std::uint16_t ordinal) {
  return Status::unimplemented(std::string(own.name) + " has no method " + std::to_string(ordinal) +
                               " of interface " + std::to_string(interface_id));
}

// Runs a handler: whatever it throws ends the call, not the server.
template <typename Handler>
[[nodiscard]] Status run_handler(const MethodInfo& method, Handler&& handler) {
  try {
    return handler();
  } catch (const std::exception& error) {
    return Status::internal(full_name(method) + ": the handler threw: " + error.what());
  } catch (const kj::Exception& error) {
    return Status::internal(full_name(method) +
                            ": the handler threw: " + error.getDescription().cStr());
  } catch (...) {
    return Status::internal(full_name(method) + ": the handler threw something");
  }
}

// One call: checks the request, runs the message form of the handler, collects the reply.
template <typename P, typename R, typename Handler>
[[nodiscard]] Status serve(const MethodInfo& method, RawReader& request, RawBuilder& reply,
                           Handler&& handler) {
  const Place where(method.name);
  MessageReader<P> params(request);
  Status status = params.bind();
  if (status.ok()) status = check_message<P>(request, params.root(), true, where);
  if (!status.ok()) return status;
  MessageBuilder<R> results(reply);
  status = run_handler(method, [&] { return handler(std::move(params), results); });
  if (status.ok()) status = collect_descriptors<R>(reply, where);
  return status;
}

// The message form of a handler that has only the plain one. The lists of the parameters stand in
// an arena until the handler returns; a message whose lists take more than Arena::kInlineBytes
// makes it allocate.
template <typename P, typename R, typename Handler>
[[nodiscard]] Status serve_plain(const MethodInfo& method, MessageReader<P>& params,
                                 MessageBuilder<R>& reply, Handler&& handler) {
  if constexpr (!kHasPlainForm<P> || !kHasPlainForm<R>) {
    return not_implemented(method);
  } else {
    const Place where(method.name);
    Arena arena;
    Decoder decoder(arena);
    View<P> view;
    Status status = guarded(where, [&] { Codec<P>::decode(params.root(), view, decoder); });
    if (!status.ok()) return status;
    Result<Plain<R>> result = handler(static_cast<const View<P>&>(view));
    if (!result.ok()) return result.status();
    return guarded(where, [&] { Codec<R>::encode(*result, reply.root(), where); });
  }
}

}  // namespace ferry::support
