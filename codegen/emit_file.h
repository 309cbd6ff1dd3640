// The two files that one schema becomes.
#pragma once

#include <string>

#include "idl/service_model.h"

namespace ferry::codegen {

[[nodiscard]] std::string header_text(const idl::File& file);
[[nodiscard]] std::string source_text(const idl::File& file);

}  // namespace ferry::codegen
