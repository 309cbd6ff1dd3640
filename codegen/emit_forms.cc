#include "codegen/emit_forms.h"

#include "codegen/cpp_types.h"

namespace ferry::codegen {
namespace {

void emit_form(const idl::Struct& what, Form form, CodeWriter& out) {
  const std::string self = own_name(what);
  const bool as_template = forms_are_templates(what);
  out.write("$head$\nstruct $form$<$self$> {\n", {{"head", template_head(what, as_template)},
                                                  {"form", form == Form::kOwned ? "Plain" : "View"},
                                                  {"self", as_template ? "S" : self}});
  out.indent();
  bool which = false;
  for (const idl::Field& field : what.fields) {
    if (!field.arm.empty() && !which) {
      which = true;
      const std::string scope = what.generic ? "typename S" : self;
      out.write("using Which = $scope$::Which;\n", {{"scope", scope}});
      for (const idl::Field& first : what.fields) {
        if (first.arm.empty() || first.tag != 0) continue;
        out.write(
            "// Which of the members below counts; a number without a name is a newer peer's.\n"
            "Which which = $scope$::$arm$;\n",
            {{"scope", what.generic ? "S" : self}, {"arm", first.arm}});
      }
    }
    if (!has_member(field)) continue;
    out.comment(field.doc);
    out.write("$type$ $name$$default$;\n", {{"type", member_type(field, form)},
                                            {"name", field.member},
                                            {"default", member_default(what, field, form)}});
  }
  out.outdent();
  out.write("};\n");
}

}  // namespace

void declare_forms(const idl::Struct& what, CodeWriter& out) {
  if (what.plain && !forms_are_templates(what)) {
    out.write("template <>\nstruct View<$self$>;\ntemplate <>\nstruct Plain<$self$>;\n",
              {{"self", what.cpp}});
  }
}

void emit_forms(const idl::Struct& what, CodeWriter& out) {
  if (!what.plain) {
    out.write("\n// $name$ holds an AnyPointer: it has only the message form.\n",
              {{"name", what.display}});
    return;
  }
  out.write("\n");
  out.comment(what.display);
  if (!what.doc.empty()) out.comment("\n" + what.doc);
  emit_form(what, Form::kBorrowed, out);
  emit_form(what, Form::kOwned, out);
  if (!what.generic) {
    out.write("static_assert(std::is_trivially_destructible_v<View<$self$>>);\n",
              {{"self", what.cpp}});
  }
}

}  // namespace ferry::codegen
