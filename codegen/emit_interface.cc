#include "codegen/emit_interface.h"

#include <cstdio>

namespace ferry::codegen {

using idl::Interface;
using idl::Message;
using idl::Method;

std::string template_head(const Interface& what) {
  std::string parameters;
  for (const std::string& name : what.parameters) {
    parameters += (parameters.empty() ? "typename " : ", typename ") + name;
  }
  return "template <" + parameters + ">";
}

std::string message_type(const Interface& what, const Message& message) {
  if (!what.generic || message.nested.empty()) return message.type.cpp;
  return "typename " + what.cpp + "::" + (message.unbound ? "template " : "") + message.nested +
         (message.unbound ? "<>" : "");
}

bool plain(const Method& method) { return method.params.plain && method.results.plain; }

std::string id_text(std::uint64_t id) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%lxu", static_cast<unsigned long>(id));
  return text;
}

void emit_interface_info(const Interface& what, CodeWriter& out) {
  out.write(
      "\n$head$\nstruct Interface<$self$> {\n"
      "  static constexpr InterfaceInfo kInfo{$id$, \"$name$\"};\n",
      {{"head", template_head(what)},
       {"self", what.cpp},
       {"id", id_text(what.id)},
       {"name", what.display}});
  out.indent();
  if (!what.methods.empty()) {
    out.write("static constexpr MethodInfo kMethods[] = {\n");
    for (const Method& method : what.methods) {
      out.write("    {&kInfo, $ordinal$, \"$name$\", $idempotent$},\n",
                {{"ordinal", std::to_string(method.ordinal)},
                 {"name", method.name},
                 {"idempotent", method.idempotent ? "true" : "false"}});
    }
    out.write("};\n");
  }
  // Its own first, then all it extends.
  out.write("static constexpr const InterfaceInfo* kAll[] = {\n    &kInfo,\n");
  for (const idl::Type& base : what.ancestors) {
    out.write("    &Interface<$base$>::kInfo,\n", {{"base", base.cpp}});
  }
  out.write("};\n");
  out.outdent();
  out.write("};\n");
}

void emit_aliases(const Interface& what, CodeWriter& out) {
  for (const Method& method : what.methods) {
    if (!plain(method)) continue;
    const std::string params = message_type(what, method.params);
    const std::string results = message_type(what, method.results);
    if (what.generic) {
      out.write(
          "using $title$Params = typename support::MessageForms<$params$>::Params;\n"
          "using $title$Reply = typename support::MessageForms<$results$>::Reply;\n",
          {{"title", method.title}, {"params", params}, {"results", results}});
    } else {
      out.write("using $title$Params = View<$params$>;\nusing $title$Reply = Plain<$results$>;\n",
                {{"title", method.title}, {"params", params}, {"results", results}});
    }
  }
}

std::string bases(const Interface& what, const char* of, const char* root) {
  std::string result;
  for (const idl::Type& base : what.bases) {
    result += (result.empty() ? "public virtual " : ",\n      public virtual ") +
              (std::string(of) + "<" + base.cpp + ">");
  }
  return result.empty() ? std::string("public virtual ") + root : result;
}

void emit_refused(const Interface& what, CodeWriter& out) {
  for (const idl::Refusal& refusal : what.refused) {
    out.comment("Refused: " + refusal.where + ": " + refusal.reason);
  }
}

}  // namespace ferry::codegen
