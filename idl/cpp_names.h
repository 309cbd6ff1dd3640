// How names of a schema become names of C++.
#pragma once

#include <string>
#include <string_view>

namespace ferry::idl {

// A member name that is neither a keyword nor a macro: such a name gets an underscore behind it, as
// capnpc-c++ does. No schema name has an underscore, so nothing can clash.
[[nodiscard]] std::string member_name(std::string_view name);

// "readOnly" -> "ReadOnly", as in getReadOnly().
[[nodiscard]] std::string title_name(std::string_view name);

// "readOnly" -> "READ_ONLY": capnpc-c++'s name for an enumerant or a union's arm.
[[nodiscard]] std::string enumerator_name(std::string_view name);

// Whether a standard header makes `name`, an enumerator or a method that capnpc-c++ writes as it
// is, a macro: its text would then not compile.
[[nodiscard]] bool is_macro(std::string_view name);

}  // namespace ferry::idl
