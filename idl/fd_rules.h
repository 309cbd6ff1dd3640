// What $fd says of a type or a field, and whether that makes sense.
#pragma once

#include <cstdint>
#include <string>

#include "idl/schema_index.h"
#include "idl/service_model.h"

namespace ferry::idl {

// The rule that `annotations` state themselves; any() when there is none.
[[nodiscard]] FdRule own_rule(Annotations annotations);
// The rule of an interface derived from Fd: its own and those of its bases. Where two say
// something, the more derived holds.
[[nodiscard]] FdRule type_rule(const SchemaIndex& index, std::uint64_t interface);

// Why no descriptor can satisfy the rule, or "".
[[nodiscard]] std::string nonsense(const FdRule& rule);
// Why no descriptor can satisfy both, or "".
[[nodiscard]] std::string contradiction(const FdRule& base, const FdRule& derived);

}  // namespace ferry::idl
