#include "idl/default_value.h"

#include <cmath>
#include <cstdio>
#include <limits>

#include <capnp/any.h>

#include "idl/cpp_names.h"

namespace ferry::idl {
namespace {

std::string integer(std::int64_t value) {
  // -9223372036854775808 is no literal: it is a minus before one that is too large.
  if (value == std::numeric_limits<std::int64_t>::min()) return "(-9223372036854775807 - 1)";
  return std::to_string(value);
}

template <typename Float>
std::string floating(Float value) {
  const std::string type = sizeof(Float) == sizeof(float) ? "float" : "double";
  if (std::isnan(value)) return "std::numeric_limits<" + type + ">::quiet_NaN()";
  if (std::isinf(value)) {
    return (value < 0 ? "-" : "") + ("std::numeric_limits<" + type + ">::infinity()");
  }
  char digits[64];
  std::snprintf(digits, sizeof digits, "%.*g", std::numeric_limits<Float>::max_digits10,
                static_cast<double>(value));
  std::string text = digits;
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return sizeof(Float) == sizeof(float) ? text + "f" : text;
}

std::string enumerator(const SchemaIndex& index, const Type& type, std::uint16_t number) {
  const Node::Reader* node = index.find(type.id);
  if (node == nullptr || number >= node->getEnum().getEnumerants().size()) {
    return "static_cast<" + type.cpp + ">(" + std::to_string(number) + ")";
  }
  auto enumerant = node->getEnum().getEnumerants()[number];
  const std::string name(enumerant.getName().begin(), enumerant.getName().end());
  return type.cpp + "::" + enumerator_name(cxx_name(name, enumerant.getAnnotations()));
}

}  // namespace

bool is_set(capnp::schema::Value::Reader value) {
  using Value = capnp::schema::Value;
  switch (value.which()) {
    case Value::TEXT:
      return value.getText().size() > 0;
    case Value::DATA:
      return value.getData().size() > 0;
    case Value::LIST:
      return !value.getList().isNull();
    case Value::STRUCT:
      return !value.getStruct().isNull();
    case Value::ANY_POINTER:
      return !value.getAnyPointer().isNull();
    default:
      return false;
  }
}

std::string scalar_default(const SchemaIndex& index, const Type& type,
                           capnp::schema::Value::Reader value) {
  switch (type.kind) {
    case Kind::kBool:
      return value.getBool() ? "true" : "false";
    case Kind::kInt8:
      return integer(value.getInt8());
    case Kind::kInt16:
      return integer(value.getInt16());
    case Kind::kInt32:
      return integer(value.getInt32());
    case Kind::kInt64:
      return integer(value.getInt64());
    case Kind::kUInt8:
      return std::to_string(value.getUint8());
    case Kind::kUInt16:
      return std::to_string(value.getUint16());
    case Kind::kUInt32:
      return std::to_string(value.getUint32()) + "u";
    case Kind::kUInt64:
      return std::to_string(value.getUint64()) + "u";
    case Kind::kFloat32:
      return floating(value.getFloat32());
    case Kind::kFloat64:
      return floating(value.getFloat64());
    case Kind::kEnum:
      return enumerator(index, type, value.getEnum());
    default:
      return {};
  }
}

}  // namespace ferry::idl
