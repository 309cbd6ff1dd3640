// What generated stubs and skeletons stand on: the untyped call, on both sides.
// For generated code and ferry itself; not for users.
#pragma once

#include <cstdint>
#include <string_view>

#include <ferry/call_options.h>
#include <ferry/status.h>
#include <ferry/support/raw_message.h>
#include <ferry/support/service_base.h>

namespace ferry::support {

// One method. Static storage.
struct MethodInfo {
  const InterfaceInfo* interface = nullptr;  // that declares it
  std::uint16_t ordinal = 0;
  std::string_view name;    // "open"
  bool idempotent = false;  // $Ferry.idempotent
};

// Which service instance a stub talks to: of interface `interface` (or derived from it), called
// `instance_name`, or the only one when that is empty.
struct Target {
  const InterfaceInfo* interface = nullptr;
  std::string_view instance_name;
};

// The client's end. Channel implements it; tests of generated code use one that loops back.
class Caller {
 public:
  virtual ~Caller() = default;
  // Sends `request`, waits for the answer, and puts it into `reply`. May be called by any thread;
  // blocks until the answer, the deadline, or the end of the connection.
  virtual Status call(const Target& target, const MethodInfo& method, RawBuilder& request,
                      const CallOptions& options, RawReader& reply) = 0;
};

}  // namespace ferry::support
