// Service<>: the base of the servers of an interface.
#pragma once

#include "codegen/code_writer.h"
#include "idl/service_model.h"

namespace ferry::codegen {

// What goes into the header: declarations, or for a generic interface everything.
void emit_service(const idl::Interface& what, CodeWriter& out);
// What goes into the source.
void emit_service_definition(const idl::Interface& what, CodeWriter& out);

}  // namespace ferry::codegen
