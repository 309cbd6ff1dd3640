#include "codegen/emit_codec.h"

#include <functional>
#include <string>
#include <vector>

#include "codegen/cpp_types.h"
#include "codegen/emit_walk.h"

namespace ferry::codegen {
namespace {

using idl::Field;
using idl::Kind;
using idl::Struct;

// Cap'n Proto's type of a field, as text.
std::string capnp_type(const Field& field) {
  if (!field.type.dependent) return field.type.cpp;
  return "support::ReadAs<decltype(std::declval<typename S::Reader>().get" + field.title + "())>";
}

void encode_field(const Field& field, CodeWriter& out) {
  const bool arm = !field.arm.empty();
  const std::string when =
      arm || field.has_default ? "support::When::kAlways" : "support::When::kNotEmpty";
  const std::string type = capnp_type(field);
  const CodeWriter::Variables names = {{"title", field.title},
                                       {"member", field.member},
                                       {"name", field.name},
                                       {"type", type},
                                       {"when", when}};
  if (field.type.kind == Kind::kVoid) {
    if (arm) out.write("out.set$title$();\n", names);
    return;
  }
  if (is_scalar(field.type.kind)) {
    out.write("out.set$title$(in.$member$);\n", names);
    return;
  }
  if (field.group) {
    out.write(
        "support::Codec<$type$>::encode(in.$member$, out.init$title$(),\n"
        "                               support::Place(where, \"$name$\"));\n",
        names);
    return;
  }
  const bool fd = field.type.kind == Kind::kFd;
  // What may stay null still makes its arm the active one.
  if (arm && (fd || field.boxed || field.type.kind == Kind::kParameter)) {
    out.write("out.adopt$title$(::capnp::Orphan<$type$>());\n", names);
  }
  if (field.boxed) {
    out.write(
        "support::encode_boxed<$type$>(in.$member$, support::Place(where, \"$name$\"),\n"
        "                              [&] { return out.init$title$(); });\n",
        names);
  } else if (fd) {
    out.write(
        "support::encode_fd(in.$member$, support::Place(where, \"$name$\"),\n"
        "                   [&]($type$::Client client) { out.set$title$(kj::mv(client)); });\n",
        names);
  } else if (field.type.dependent) {
    out.write(
        "support::encode<$type$>(\n"
        "    in.$member$, support::Place(where, \"$name$\"), $when$,\n"
        "    [&](auto... size) { return out.init$title$(size...); },\n"
        "    [&](auto&& client) { out.set$title$(client); });\n",
        names);
  } else {
    out.write(
        "support::encode<$type$>(in.$member$, support::Place(where, \"$name$\"), $when$,\n"
        "                        [&](auto... size) { return out.init$title$(size...); });\n",
        names);
  }
}

void decode_field(const Field& field, CodeWriter& out) {
  const CodeWriter::Variables names = {{"title", field.title}, {"member", field.member}};
  if (!has_member(field)) return;
  if (is_scalar(field.type.kind)) {
    out.write("out.$member$ = in.get$title$();\n", names);
  } else if (field.boxed) {
    out.write(
        "if (in.has$title$()) support::decode_boxed(in.get$title$(), out.$member$, decoder);\n",
        names);
  } else if (field.type.kind == Kind::kFd || field.type.kind == Kind::kParameter) {
    out.write("if (in.has$title$()) support::decode(in.get$title$(), out.$member$, decoder);\n",
              names);
  } else {
    out.write("support::decode(in.get$title$(), out.$member$, decoder);\n", names);
  }
}

void encode_body(const Struct& what, CodeWriter& out) {
  for (const Field& field : what.fields) {
    if (field.arm.empty()) encode_field(field, out);
  }
  if (!what.has_union) return;
  out.write("switch (in.which) {\n");
  out.indent();
  for (const Field& field : what.fields) {
    if (field.arm.empty()) continue;
    out.write("case $self$::$arm$:\n", {{"self", own_name(what)}, {"arm", field.arm}});
    out.indent();
    encode_field(field, out);
    out.write("break;\n");
    out.outdent();
  }
  out.write("default:\n  support::unknown_arm(in.which, where);\n");
  out.outdent();
  out.write("}\n");
}

void decode_body(const Struct& what, CodeWriter& out) {
  for (const Field& field : what.fields) {
    if (field.arm.empty()) decode_field(field, out);
  }
  if (!what.has_union) return;
  out.write("out.which = in.which();\nswitch (out.which) {\n");
  out.indent();
  for (const Field& field : what.fields) {
    if (field.arm.empty() || !has_member(field)) continue;
    out.write("case $self$::$arm$:\n", {{"self", own_name(what)}, {"arm", field.arm}});
    out.indent();
    decode_field(field, out);
    out.write("break;\n");
    out.outdent();
  }
  out.write("default:\n  break;\n");
  out.outdent();
  out.write("}\n");
}

struct Function {
  const char* head;    // template line, or ""
  const char* result;  // "void"
  const char* name;
  std::string parameters;  // their types
  std::string names;       // the same with names
  std::function<void(const Struct&, CodeWriter&)> body;
};

// "A a, B b" where a definition may leave some unused.
std::string unused(const std::string& form, const std::string& a, const std::string& b,
                   const std::string& c) {
  return "[[maybe_unused]] " + form + a + ", [[maybe_unused]] " + b + ",\n    [[maybe_unused]] " +
         c;
}

std::vector<Function> functions(const Struct& what) {
  const std::string scope = (what.generic ? "typename S" : what.cpp) + "::";
  std::vector<Function> result;
  if (what.plain) {
    result.push_back({"template <typename Form>", "void", "encode",
                      "Form& in, " + scope + "Builder out, const Place& where",
                      unused("Form&", " in", scope + "Builder out", "const Place& where"),
                      encode_body});
    result.push_back({"template <typename Form>", "void", "decode",
                      scope + "Reader in, Form& out, Decoder& decoder",
                      unused(scope, "Reader in", "Form& out", "Decoder& decoder"), decode_body});
  }
  result.push_back({"", "void", "walk", scope + "Reader in, Walker walker, const Place& where",
                    unused(scope, "Reader in", "Walker walker", "const Place& where"), walk_body});
  return result;
}

// An expression: whether the struct can hold descriptors, or has a plain form.
std::string fact(const Struct& what, bool known, const char* trait, const char* join,
                 bool mutual_holds) {
  std::string result = known ? "true" : "false";
  if (!what.generic) return result;
  for (const Field& field : what.fields) {
    if (!field.type.dependent) continue;
    if (field.recursive && !field.group) {
      if (field.mutual && mutual_holds) result += std::string(join) + "true";
      continue;
    }
    result += std::string(join) + "support::" + trait + "<" + capnp_type(field) + ">";
  }
  return result;
}

bool known_descriptors(const Struct& what) {
  if (!what.generic) return what.descriptors;
  for (const Field& field : what.fields) {
    if (!field.type.dependent && field.descriptors) return true;
  }
  return false;
}

}  // namespace

void emit_codec_declaration(const Struct& what, CodeWriter& out) {
  out.write(
      "\n$head$\nstruct Codec<$self$> {\n"
      "  static constexpr bool kDescriptors = $descriptors$;\n"
      "  static constexpr bool kPlainForm = $plain$;\n",
      {{"head", template_head(what, what.generic)},
       {"self", own_name(what)},
       {"descriptors", fact(what, known_descriptors(what), "kHoldsDescriptors", " || ", true)},
       {"plain", fact(what, what.plain, "kHasPlainForm", " && ", false)}});
  out.indent();
  for (const Function& function : functions(what)) {
    if (function.head[0] != '\0') out.write("$head$\n", {{"head", function.head}});
    out.write(what.generic ? "static $result$ $name$($parameters$) {\n"
                           : "static $result$ $name$($parameters$);\n",
              {{"result", function.result},
               {"name", function.name},
               {"parameters", what.generic ? function.names : function.parameters}});
    if (!what.generic) continue;
    out.indent();
    function.body(what, out);
    out.outdent();
    out.write("}\n");
  }
  out.outdent();
  out.write("};\n");
}

void emit_codec_definition(const Struct& what, CodeWriter& out) {
  if (what.generic) return;
  for (const Function& function : functions(what)) {
    out.write("\n");
    if (function.head[0] != '\0') out.write("$head$\n", {{"head", function.head}});
    out.write("$result$ Codec<$self$>::$name$(\n    $parameters$) {\n",
              {{"result", function.result},
               {"self", what.cpp},
               {"name", function.name},
               {"parameters", function.names}});
    out.indent();
    function.body(what, out);
    out.outdent();
    out.write("}\n");
  }
  if (!what.plain) return;
  out.write(
      "template void Codec<$self$>::encode(const View<$self$>&, $self$::Builder, const Place&);\n"
      "template void Codec<$self$>::encode(Plain<$self$>&, $self$::Builder, const Place&);\n"
      "template void Codec<$self$>::decode($self$::Reader, View<$self$>&, Decoder&);\n"
      "template void Codec<$self$>::decode($self$::Reader, Plain<$self$>&, Decoder&);\n",
      {{"self", what.cpp}});
}

}  // namespace ferry::codegen
