// The C++ types of the plain form, as text.
#pragma once

#include <string>

#include "idl/service_model.h"

namespace ferry::codegen {

enum class Form { kOwned, kBorrowed };

// The name by which a struct's own text calls its Cap'n Proto type: its name, or S in a template.
[[nodiscard]] std::string own_name(const idl::Struct& owner);
// "template <>", or what makes a specialisation that is a template itself.
[[nodiscard]] std::string template_head(const idl::Struct& owner, bool as_template);
// Whether View and Plain are such: always for a generic struct, and for one with a list of structs
// that are defined later: what depends on a template's argument is looked into only when used.
[[nodiscard]] bool forms_are_templates(const idl::Struct& owner);

// The type of the field's member.
[[nodiscard]] std::string member_type(const idl::Field& field, Form form);
// The member's default initialiser, with its "= ".
[[nodiscard]] std::string member_default(const idl::Struct& owner, const idl::Field& field,
                                         Form form);

// Whether the plain form has a member for the field: not for Void, which says nothing.
[[nodiscard]] bool has_member(const idl::Field& field);
[[nodiscard]] bool is_scalar(idl::Kind kind);
// Whether the field is a pointer in the message.
[[nodiscard]] bool is_pointer(const idl::Field& field);

}  // namespace ferry::codegen
