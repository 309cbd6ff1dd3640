// ServiceBase: the server's end of one service, untyped.
// For generated code and ferry itself; not for users.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <ferry/status.h>

namespace ferry {
class ServerContext;
}

namespace ferry::support {

class RawBuilder;
class RawReader;

// One interface of a schema. Static storage.
struct InterfaceInfo {
  std::uint64_t type_id = 0;
  std::string_view name;  // "demo.FileBroker"
};

// What a generated Service<> overrides.
class ServiceBase {
 public:
  virtual ~ServiceBase() = default;
  // The interfaces this service serves: its own first, then all it extends, each once.
  [[nodiscard]] virtual std::span<const InterfaceInfo* const> ferry_interfaces() const = 0;
  // The method's name for people ("demo.FileBroker.open"), or empty when there is none. Static
  // storage.
  [[nodiscard]] virtual std::string_view ferry_method_name(std::uint64_t interface_id,
                                                           std::uint16_t ordinal) const = 0;
  // Runs one method to its end. Any thread, several at once. UNIMPLEMENTED for what it doesn't
  // have. Throws nothing: exceptions of a handler end as INTERNAL, of decoding as INVALID_ARGUMENT.
  virtual Status ferry_dispatch(std::uint64_t interface_id, std::uint16_t ordinal,
                                ServerContext& context, RawReader& request, RawBuilder& reply) = 0;
};

}  // namespace ferry::support
