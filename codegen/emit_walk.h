// The bodies of Codec<>::walk().
#pragma once

#include <string>

#include "codegen/code_writer.h"
#include "idl/service_model.h"

namespace ferry::codegen {

void walk_body(const idl::Struct& what, CodeWriter& out);

// A rule as the arguments of an FdRule's initialiser.
[[nodiscard]] std::string rule_text(const idl::FdRule& rule, bool optional);

}  // namespace ferry::codegen
