#include "idl/name_checks.h"

#include "idl/cpp_names.h"

namespace ferry::idl {
namespace {

// Whether capnpc-c++ puts a class called `name` into that of `node`.
bool has_class(const Node::Reader& node, const std::string& name) {
  if (node.isStruct()) return name == "Reader" || name == "Builder" || name == "Pipeline";
  return node.isInterface() && (name == "Client" || name == "Server");
}

}  // namespace

std::string taken_name(const SchemaIndex& index, std::uint64_t id) {
  const Node::Reader* node = index.find(id);
  if (node == nullptr) return {};
  if (node->isFile()) {
    const std::string space = index.name_space(id);
    if (space != "ferry" && space != "ferry::support") return {};
    return "the C++ namespace " + space + " is ferry's own: choose another";
  }
  const std::string name = index.short_name(id);
  const Node::Reader* scope = index.find(node->getScopeId());
  if (!has_class(*node, name) && (scope == nullptr || !has_class(*scope, name))) return {};
  return "capnpc-c++ has a class of this name there: use $Cxx.name";
}

std::string taken_method_name(const std::string& name) {
  if (is_macro(name)) return macro_problem(name);
  if (name != "context") return {};
  return "capnpc-c++ writes text for a method of this name that does not compile: give it another "
         "name with $Cxx.name";
}

std::string macro_problem(const std::string& name) {
  return "capnpc-c++ calls it " + name + ", which is a macro: give it another name with $Cxx.name";
}

}  // namespace ferry::idl
