// Stub<>: the client of an interface.
#pragma once

#include "codegen/code_writer.h"
#include "idl/service_model.h"

namespace ferry::codegen {

void emit_stub(const idl::Interface& what, CodeWriter& out);

}  // namespace ferry::codegen
