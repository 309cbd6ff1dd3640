// Names for which capnpc-c++ writes text that does not compile, or that are ferry's own.
#pragma once

#include <cstdint>
#include <string>

#include "idl/schema_index.h"

namespace ferry::idl {

// Why the node can't have its name (a file: its namespace), or "".
[[nodiscard]] std::string taken_name(const SchemaIndex& index, std::uint64_t id);

// Why a method can't be called `name` in C++, or "".
[[nodiscard]] std::string taken_method_name(const std::string& name);

// What to say of an enumerator, an arm or a method that is a macro.
[[nodiscard]] std::string macro_problem(const std::string& name);

}  // namespace ferry::idl
