#include "codegen/emit_walk.h"

#include "codegen/cpp_types.h"

namespace ferry::codegen {
namespace {

using idl::Field;

constexpr const char* kKinds[] = {"kAny",  "kFile",  "kDirectory", "kSocket",
                                  "kPipe", "kMemfd", "kEventfd",   "kDevice"};
constexpr const char* kAccesses[] = {"kAny",       "kReadOnly", "kWriteOnly",
                                     "kReadWrite", "kReadable", "kWritable"};
constexpr const char* kSeals[] = {"kSealSeal", "kSealShrink", "kSealGrow", "kSealWrite",
                                  "kSealFutureWrite"};

void walk_field(const Field& field, CodeWriter& out) {
  if (field.group) {
    out.write("support::walk_value(in.get$title$(), walker, support::Place(where, \"$name$\"));\n",
              {{"title", field.title}, {"name", field.name}});
    return;
  }
  if (!is_pointer(field)) return;
  const bool rule = field.optional || !field.rule.any();
  if (rule) {
    out.write("static constexpr support::FdRule k$title$Rule{$rule$};\n",
              {{"title", field.title}, {"rule", rule_text(field.rule, field.optional)}});
  }
  out.write(
      "$guard$support::walk(in.has$title$(), [&] { return in.get$title$(); }, walker,\n"
      "              support::Place(where, \"$name$\"$rule$));\n",
      {{"guard", field.boxed ? "if (in.has" + field.title + "()) " : ""},
       {"title", field.title},
       {"name", field.name},
       {"rule", rule ? ", &k" + field.title + "Rule" : ""}});
}

}  // namespace

std::string rule_text(const idl::FdRule& rule, bool optional) {
  std::string seals;
  for (unsigned i = 0; i < std::size(kSeals); ++i) {
    if ((rule.seals & (1u << i)) == 0) continue;
    seals += (seals.empty() ? "support::" : " | support::") + std::string(kSeals[i]);
  }
  return std::string("support::FdKind::") + kKinds[rule.kind] +
         ", support::FdAccess::" + kAccesses[rule.access] + ", " +
         (seals.empty() ? "support::kNoSeals" : seals) + ", " + (optional ? "true" : "false");
}

void walk_body(const idl::Struct& what, CodeWriter& out) {
  for (const Field& field : what.fields) {
    if (field.arm.empty()) walk_field(field, out);
  }
  bool arms = false;
  for (const Field& field : what.fields) {
    arms = arms || (!field.arm.empty() && (field.group || is_pointer(field)));
  }
  if (!arms) return;
  out.write("switch (in.which()) {\n");
  out.indent();
  for (const Field& field : what.fields) {
    if (field.arm.empty() || (!field.group && !is_pointer(field))) continue;
    out.write("case $self$::$arm$: {\n", {{"self", own_name(what)}, {"arm", field.arm}});
    out.indent();
    walk_field(field, out);
    out.write("break;\n");
    out.outdent();
    out.write("}\n");
  }
  out.write("default:\n  break;\n");
  out.outdent();
  out.write("}\n");
}

}  // namespace ferry::codegen
