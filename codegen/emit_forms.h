// View and Plain: the plain forms of structs.
#pragma once

#include "codegen/code_writer.h"
#include "idl/service_model.h"

namespace ferry::codegen {

// Declarations, so that the order of the definitions matters only where one holds another.
void declare_forms(const idl::Struct& what, CodeWriter& out);
void emit_forms(const idl::Struct& what, CodeWriter& out);

}  // namespace ferry::codegen
