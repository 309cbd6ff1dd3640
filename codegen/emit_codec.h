// Codec: how a struct is encoded, decoded and walked.
#pragma once

#include "codegen/code_writer.h"
#include "idl/service_model.h"

namespace ferry::codegen {

// What goes into the header: declarations, or for a generic struct everything.
void emit_codec_declaration(const idl::Struct& what, CodeWriter& out);
// What goes into the source.
void emit_codec_definition(const idl::Struct& what, CodeWriter& out);

}  // namespace ferry::codegen
