// What Stub and Service, the two sides of an interface, share.
#pragma once

#include <string>

#include "codegen/code_writer.h"
#include "idl/service_model.h"

namespace ferry::codegen {

// Interface<>: its name, id and methods.
void emit_interface_info(const idl::Interface& what, CodeWriter& out);
// "template <>" or "template <typename K_, typename V_>".
[[nodiscard]] std::string template_head(const idl::Interface& what);
// Cap'n Proto's type of a method's parameters or results, in the text of its interface.
[[nodiscard]] std::string message_type(const idl::Interface& what, const idl::Message& message);
// Whether the method has a plain form, as far as can be known without its type arguments.
[[nodiscard]] bool plain(const idl::Method& method);
// HelloParams and HelloReply for each method.
void emit_aliases(const idl::Interface& what, CodeWriter& out);
// The base classes: `of`<base> for each interface it extends, else `root`.
[[nodiscard]] std::string bases(const idl::Interface& what, const char* of, const char* root);
// A comment for each method that was left out.
void emit_refused(const idl::Interface& what, CodeWriter& out);
// "0x1234u"
[[nodiscard]] std::string id_text(std::uint64_t id);

}  // namespace ferry::codegen
