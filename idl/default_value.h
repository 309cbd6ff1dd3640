// Default values of fields as C++ expressions.
#pragma once

#include <string>

#include <capnp/schema.capnp.h>

#include "idl/schema_index.h"
#include "idl/service_model.h"

namespace ferry::idl {

// Whether `value` is anything but zero, false, empty or null.
[[nodiscard]] bool is_set(capnp::schema::Value::Reader value);

// The default of a scalar or an enum as an expression of its type.
[[nodiscard]] std::string scalar_default(const SchemaIndex& index, const Type& type,
                                         capnp::schema::Value::Reader value);

}  // namespace ferry::idl
