#include "codegen/emit_stub.h"

#include <string>

#include "codegen/emit_interface.h"

namespace ferry::codegen {
namespace {

using idl::Interface;
using idl::Method;

void emit_stub_method(const Interface& what, const Method& method, const std::string& position,
                      CodeWriter& out) {
  const std::string params = message_type(what, method.params);
  const std::string results = message_type(what, method.results);
  const CodeWriter::Variables names = {{"title", method.title}, {"name", method.member},
                                       {"params", params},      {"results", results},
                                       {"self", what.cpp},      {"position", position}};
  out.write("\n");
  out.comment(method.doc);
  if (plain(method)) {
    out.write("Result<$title$Reply> $name$(const $title$Params& params = {},\n", names);
    if (what.generic) {
      out.write(
          "    const CallOptions& options = {}) const\n"
          "  requires(support::kHasPlainForm<$params$> && support::kHasPlainForm<$results$>)\n"
          "{\n",
          names);
    } else {
      out.write("    const CallOptions& options = {}) const {\n");
    }
    out.write(
        "  return support::call_plain<$params$, $results$>(\n"
        "      *this, support::Interface<$self$>::kMethods[$position$], params, options);\n"
        "}\n",
        names);
  }
  out.write(
      "Result<MessageReader<$results$>> $name$(\n"
      "    MessageBuilder<$params$>& params, const CallOptions& options = {}) const {\n"
      "  return support::call_message<$params$, $results$>(\n"
      "      *this, support::Interface<$self$>::kMethods[$position$], params, options);\n"
      "}\n",
      names);
}

}  // namespace

void emit_stub(const Interface& what, CodeWriter& out) {
  out.write("\n");
  out.comment("The client of " + what.display + ".");
  if (!what.doc.empty()) out.comment("\n" + what.doc);
  emit_refused(what, out);
  out.write("$head$\nclass Stub<$self$>\n    : $bases$ {\n public:\n",
            {{"head", template_head(what)},
             {"self", what.cpp},
             {"bases", bases(what, "Stub", "support::StubBase")}});
  out.indent();
  emit_aliases(what, out);
  out.write(
      "\n"
      "// Calls go over `channel`, to the service called `instance` or, when that is empty, to "
      "the\n"
      "// only one of this interface.\n"
      "explicit Stub(support::CallerRef channel, std::string_view instance = {})\n"
      "    : support::StubBase(support::Interface<$self$>::kInfo, std::move(channel), instance) "
      "{}\n"
      "// Copies talk to the same service; moving copies.\n"
      "Stub(const Stub&) = default;\n"
      "Stub& operator=(const Stub&) = default;\n",
      {{"self", what.cpp}});
  std::size_t position = 0;
  for (const Method& method : what.methods) {
    emit_stub_method(what, method, std::to_string(position++), out);
  }
  out.outdent();
  out.write("\n protected:\n  Stub() = default;  // for those that extend it\n};\n");
}

}  // namespace ferry::codegen
