#include "codegen/cpp_types.h"

#include <algorithm>
#include <cstdio>

namespace ferry::codegen {
namespace {

using idl::Field;
using idl::Kind;
using idl::Struct;
using idl::Type;

std::string scalar(const Type& type) {
  switch (type.kind) {
    case Kind::kVoid:
      return "std::monostate";
    case Kind::kBool:
      return "bool";
    case Kind::kInt8:
      return "std::int8_t";
    case Kind::kInt16:
      return "std::int16_t";
    case Kind::kInt32:
      return "std::int32_t";
    case Kind::kInt64:
      return "std::int64_t";
    case Kind::kUInt8:
      return "std::uint8_t";
    case Kind::kUInt16:
      return "std::uint16_t";
    case Kind::kUInt32:
      return "std::uint32_t";
    case Kind::kUInt64:
      return "std::uint64_t";
    case Kind::kFloat32:
      return "float";
    case Kind::kFloat64:
      return "double";
    default:
      return type.cpp;  // an enum
  }
}

std::string type_text(const Type& type, Form form, bool optional) {
  const bool owned = form == Form::kOwned;
  switch (type.kind) {
    case Kind::kText:
      return owned ? "std::string" : "std::string_view";
    case Kind::kData:
      return owned ? "std::vector<std::byte>" : "std::span<const std::byte>";
    case Kind::kList: {
      const std::string element = type_text(*type.element, form, optional);
      return owned ? "std::vector<" + element + ">" : "std::span<const " + element + ">";
    }
    case Kind::kStruct:
      return (owned ? "Plain<" : "View<") + type.cpp + ">";
    case Kind::kFd: {
      const std::string fd = owned ? "UniqueFd" : "FdArg";
      return optional ? "std::optional<" + fd + ">" : fd;
    }
    default:
      return scalar(type);
  }
}

// A string literal: octal escapes, which end after three digits whatever follows.
std::string literal(const std::string& bytes) {
  std::string result = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte >= 0x7f || c == '?') {  // ?: no trigraphs
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\%03o", byte);
      result += escaped;
    } else {
      result += c;
    }
  }
  return result + "\"";
}

}  // namespace

std::string own_name(const Struct& owner) { return owner.generic ? "S" : owner.cpp; }

bool forms_are_templates(const Struct& owner) {
  return owner.generic || std::any_of(owner.fields.begin(), owner.fields.end(),
                                      [](const Field& field) { return field.late; });
}

std::string template_head(const Struct& owner, bool as_template) {
  if (!as_template) return "template <>";
  char id[24];
  std::snprintf(id, sizeof id, "0x%lxu", static_cast<unsigned long>(owner.id));
  return std::string("template <typename S>\n  requires support::IsType<S, ") + id + ">";
}

bool is_scalar(Kind kind) { return kind <= Kind::kFloat64 || kind == Kind::kEnum; }

bool is_pointer(const Field& field) { return !field.group && !is_scalar(field.type.kind); }

bool has_member(const Field& field) { return field.type.kind != Kind::kVoid; }

std::string member_type(const Field& field, Form form) {
  const bool owned = form == Form::kOwned;
  std::string type;
  if (field.type.dependent || field.late) {
    type = std::string(owned ? "support::OwnedFor" : "support::BorrowedFor") +
           "<decltype(std::declval<typename S::Reader>().get" + field.title + "())>";
  } else {
    type = type_text(field.type, form, field.optional);
  }
  if (!field.boxed) return type;
  return owned ? "Box<" + type + ">" : "const " + type + "*";
}

std::string member_default(const Struct& owner, const Field& field, Form form) {
  if (field.boxed) return form == Form::kOwned ? " = {}" : " = nullptr";
  if (is_scalar(field.type.kind) && !field.type.dependent) return " = " + field.default_text;
  if (!field.has_default) return " = {}";
  if (field.type.kind == Kind::kText) {
    const std::string length = std::to_string(field.default_bytes.size());
    return (form == Form::kOwned ? " = std::string(" : " = std::string_view(") +
           literal(field.default_bytes) + ", " + length + ")";
  }
  const std::string getter = "&" + own_name(owner) + "::Reader::get" + field.title;
  const std::string type = member_type(field, form);
  if (form == Form::kOwned) return " = support::owned_default<" + type + ">(" + getter + ")";
  return " = support::borrowed_default<" + type + ", " + getter + ">()";
}

}  // namespace ferry::codegen
