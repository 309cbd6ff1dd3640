#include "codegen/emit_service.h"

#include <string>

#include "codegen/emit_interface.h"

namespace ferry::codegen {

using idl::Interface;
using idl::Method;

namespace {

void emit_dispatch_body(const Interface& what, CodeWriter& out) {
  if (!what.methods.empty()) {
    out.write("if (interface_id == $id$) {\n", {{"id", id_text(what.id)}});
    out.indent();
    out.write("switch (ordinal) {\n");
    out.indent();
    std::size_t position = 0;
    for (const Method& method : what.methods) {
      out.write(
          "case $ordinal$:\n"
          "  return support::serve<$params$, $results$>(\n"
          "      support::Interface<$self$>::kMethods[$position$], request, reply,\n"
          "      [&](auto&& params, auto& results) {\n"
          "        return $name$(context, std::move(params), results);\n"
          "      });\n",
          {{"ordinal", std::to_string(method.ordinal)},
           {"params", message_type(what, method.params)},
           {"results", message_type(what, method.results)},
           {"self", what.cpp},
           {"position", std::to_string(position++)},
           {"name", "this->" + method.member}});
    }
    out.write("default:\n  break;\n");
    out.outdent();
    out.write("}\n");
    out.outdent();
    out.write("}\n");
  }
  for (const idl::Type& base : what.ancestors) {
    out.write(
        "if (interface_id == $id$) {\n"
        "  return Service<$base$>::ferry_dispatch(interface_id, ordinal, context, request,\n"
        "                                         reply);\n"
        "}\n",
        {{"id", id_text(base.id)}, {"base", base.cpp}});
  }
  out.write(
      "return support::unknown_method(support::Interface<$self$>::kInfo, interface_id, ordinal);\n",
      {{"self", what.cpp}});
}

void emit_name_body(const Interface& what, CodeWriter& out) {
  if (!what.methods.empty()) {
    out.write("if (interface_id == $id$) {\n", {{"id", id_text(what.id)}});
    out.indent();
    out.write("switch (ordinal) {\n");
    out.indent();
    for (const Method& method : what.methods) {
      out.write("case $ordinal$:\n  return \"$interface$.$name$\";\n",
                {{"ordinal", std::to_string(method.ordinal)},
                 {"interface", what.display},
                 {"name", method.name}});
    }
    out.write("default:\n  return {};\n");
    out.outdent();
    out.write("}\n");
    out.outdent();
    out.write("}\n");
  }
  for (const idl::Type& base : what.ancestors) {
    out.write(
        "if (interface_id == $id$) {\n"
        "  return Service<$base$>::ferry_method_name(interface_id, ordinal);\n"
        "}\n",
        {{"id", id_text(base.id)}, {"base", base.cpp}});
  }
  out.write("return {};\n");
}

// A member function, defined in its class or outside.
struct Member {
  std::string result;
  std::string name;
  std::string parameters;  // types and names, with commas; names in definitions only
  std::string suffix;      // " const" or ""
  bool overrides;
};

// "(" and the parameters, on a line of their own when there are any.
std::string parameter_list(const std::string& parameters) {
  return parameters.empty() ? "()" : "(\n    " + parameters + ")";
}

void open_member(const Interface& what, const Member& member, bool inside, CodeWriter& out) {
  out.write("$result$ $scope$$name$$parameters$$suffix$$override$ {\n",
            {{"result", member.result},
             {"scope", inside ? "" : "Service<" + what.cpp + ">::"},
             {"name", member.name},
             {"parameters", parameter_list(member.parameters)},
             {"suffix", member.suffix},
             {"override", inside && member.overrides ? " override" : ""}});
  out.indent();
}

void close_member(CodeWriter& out) {
  out.outdent();
  out.write("}\n");
}

Member plain_member(const Interface& what, const Method& method, bool inside) {
  const std::string scope = inside ? "" : "Service<" + what.cpp + ">::";
  return {
      std::string(inside ? "virtual " : "") + "Result<" + scope + method.title + "Reply>",
      method.member,
      "[[maybe_unused]] ServerContext& context, [[maybe_unused]] " + method.title + "Params params",
      "", false};
}

Member message_member(const Interface& what, const Method& method, bool inside) {
  return {inside ? "virtual Status" : "Status", method.member,
          "[[maybe_unused]] ServerContext& context,\n    [[maybe_unused]] MessageReader<" +
              message_type(what, method.params) +
              "> params,\n    [[maybe_unused]] MessageBuilder<" +
              message_type(what, method.results) + ">& reply",
          "", false};
}

const Member kInterfaces{"std::span<const support::InterfaceInfo* const>", "ferry_interfaces", "",
                         " const", true};
const Member kMethodName{"std::string_view", "ferry_method_name",
                         "[[maybe_unused]] std::uint64_t interface_id, "
                         "[[maybe_unused]] std::uint16_t ordinal",
                         " const", true};
const Member kDispatch{"Status", "ferry_dispatch",
                       "std::uint64_t interface_id, std::uint16_t ordinal,\n"
                       "    [[maybe_unused]] ServerContext& context,\n"
                       "    [[maybe_unused]] support::RawReader& request,\n"
                       "    [[maybe_unused]] support::RawBuilder& reply",
                       "", true};

void emit_message_body(const Interface& what, const Method& method, const std::string& position,
                       CodeWriter& out) {
  if (!plain(method)) {
    out.write(
        "return support::not_implemented(support::Interface<$self$>::kMethods[$position$]);\n",
        {{"self", what.cpp}, {"position", position}});
    return;
  }
  out.write(
      "return support::serve_plain<$params$, $results$>(\n"
      "    support::Interface<$self$>::kMethods[$position$], params, reply,\n"
      "    [&](const auto& view) { return this->$name$(context, view); });\n",
      {{"params", message_type(what, method.params)},
       {"results", message_type(what, method.results)},
       {"self", what.cpp},
       {"position", position},
       {"name", method.member}});
}

void emit_service_members(const Interface& what, bool inside, CodeWriter& out) {
  std::size_t number = 0;
  for (const Method& method : what.methods) {
    const std::string position = std::to_string(number++);
    out.write("\n");
    if (inside) out.comment(method.doc);
    if (plain(method)) {
      open_member(what, plain_member(what, method, inside), inside, out);
      out.write(
          "return support::not_implemented(support::Interface<$self$>::kMethods[$position$]);\n",
          {{"self", what.cpp}, {"position", position}});
      close_member(out);
    }
    open_member(what, message_member(what, method, inside), inside, out);
    emit_message_body(what, method, position, out);
    close_member(out);
  }
  out.write("\n");
  open_member(what, kInterfaces, inside, out);
  out.write("return support::Interface<$self$>::kAll;\n", {{"self", what.cpp}});
  close_member(out);
  open_member(what, kMethodName, inside, out);
  emit_name_body(what, out);
  close_member(out);
  open_member(what, kDispatch, inside, out);
  emit_dispatch_body(what, out);
  close_member(out);
}

void declare_member(const Member& member, CodeWriter& out) {
  std::string parameters = member.parameters;
  constexpr std::string_view kUnused = "[[maybe_unused]] ";
  for (std::size_t at = 0; (at = parameters.find(kUnused)) != std::string::npos;) {
    parameters.erase(at, kUnused.size());
  }
  out.write("$result$ $name$$parameters$$suffix$$override$;\n",
            {{"result", member.result},
             {"name", member.name},
             {"parameters", parameter_list(parameters)},
             {"suffix", member.suffix},
             {"override", member.overrides ? " override" : ""}});
}

}  // namespace

void emit_service(const Interface& what, CodeWriter& out) {
  out.write("\n");
  out.comment("Base of the servers of " + what.display +
              ". Of each method override the plain form or the\nmessage form; what is not "
              "overridden is UNIMPLEMENTED.");
  if (!what.doc.empty()) out.comment("\n" + what.doc);
  emit_refused(what, out);
  out.write("$head$\nclass Service<$self$>\n    : $bases$ {\n public:\n",
            {{"head", template_head(what)},
             {"self", what.cpp},
             {"bases", bases(what, "Service", "support::ServiceBase")}});
  out.indent();
  emit_aliases(what, out);
  if (what.generic) {
    emit_service_members(what, true, out);
  } else {
    for (const Method& method : what.methods) {
      out.write("\n");
      out.comment(method.doc);
      if (plain(method)) declare_member(plain_member(what, method, true), out);
      declare_member(message_member(what, method, true), out);
    }
    out.write("\n// For ferry itself.\n");
    declare_member(kInterfaces, out);
    declare_member(kMethodName, out);
    declare_member(kDispatch, out);
  }
  out.outdent();
  out.write("};\n");
}

void emit_service_definition(const Interface& what, CodeWriter& out) {
  if (!what.generic) emit_service_members(what, false, out);
}

}  // namespace ferry::codegen
