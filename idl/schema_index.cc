#include "idl/schema_index.h"

#include "idl/cpp_names.h"

namespace ferry::idl {
namespace {

// Ids of the annotations in /capnp/c++.capnp.
constexpr std::uint64_t kCxxNamespace = 0xb9c6f99ebf805f2c;
constexpr std::uint64_t kCxxName = 0xf264a779fef191ce;

std::string text(capnp::Text::Reader reader) { return {reader.begin(), reader.end()}; }

// Comments come with a newline at each line's end; the last one is dropped.
std::string comment(capnp::Text::Reader reader) {
  std::string result = text(reader);
  while (!result.empty() && (result.back() == '\n' || result.back() == ' ')) result.pop_back();
  return result;
}

}  // namespace

SchemaIndex::SchemaIndex(capnp::schema::CodeGeneratorRequest::Reader request) {
  for (Node::Reader node : request.getNodes()) nodes_.emplace(node.getId(), node);
  for (auto source : request.getSourceInfo()) sources_.emplace(source.getId(), source);
  for (const auto& [id, node] : nodes_) {
    if (node.isInterface()) index_methods(id, node);
  }
}

void SchemaIndex::index_methods(std::uint64_t id, Node::Reader node) {
  for (auto method : node.getInterface().getMethods()) {
    const std::string title = title_name(cxx_name(text(method.getName()), method.getAnnotations()));
    const bool parameters = method.getImplicitParameters().size() > 0;
    auto add = [&](std::uint64_t list, const char* suffix) {
      const Node::Reader* found = find(list);
      if (found != nullptr && found->getScopeId() == 0) {
        method_lists_[list] = {id, title + suffix, parameters};
      }
    };
    add(method.getParamStructType(), "Params");
    add(method.getResultStructType(), "Results");
  }
}

const Node::Reader* SchemaIndex::find(std::uint64_t id) const {
  auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : &found->second;
}

const MethodList* SchemaIndex::method_list(std::uint64_t struct_id) const {
  auto found = method_lists_.find(struct_id);
  return found == method_lists_.end() ? nullptr : &found->second;
}

std::uint64_t SchemaIndex::scope_of(std::uint64_t id) const {
  if (const MethodList* list = method_list(id)) return list->interface;
  const Node::Reader* node = find(id);
  return node == nullptr ? 0 : node->getScopeId();
}

std::uint64_t SchemaIndex::file_of(std::uint64_t id) const {
  while (const std::uint64_t scope = scope_of(id)) id = scope;
  return id;
}

std::string SchemaIndex::short_name(std::uint64_t id) const {
  if (const MethodList* list = method_list(id)) return list->nested;
  const Node::Reader* node = find(id);
  if (node == nullptr) return {};
  if (node->isStruct() && node->getStruct().getIsGroup()) {
    // A group's C++ type is named after its field, whose annotations stand in the parent.
    const Node::Reader* parent = find(node->getScopeId());
    if (parent == nullptr) return {};
    for (auto field : parent->getStruct().getFields()) {
      if (field.isGroup() && field.getGroup().getTypeId() == id) {
        return title_name(cxx_name(text(field.getName()), field.getAnnotations()));
      }
    }
  }
  const std::string name = text(node->getDisplayName()).substr(node->getDisplayNamePrefixLength());
  return cxx_name(name, node->getAnnotations());
}

std::string SchemaIndex::local_name(std::uint64_t id) const {
  std::string result = short_name(id);
  for (std::uint64_t scope = scope_of(id); scope != 0 && scope_of(scope) != 0;
       scope = scope_of(scope)) {
    result = short_name(scope) + "." + result;
  }
  return result;
}

std::string SchemaIndex::display_name(std::uint64_t id) const {
  std::string prefix = name_space(id);
  for (std::size_t at = 0; (at = prefix.find("::", at)) != std::string::npos;) {
    prefix.replace(at, 2, ".");
  }
  return (prefix.empty() ? "" : prefix + ".") + local_name(id);
}

std::string SchemaIndex::name_space(std::uint64_t id) const {
  const Node::Reader* file = find(file_of(id));
  if (file == nullptr) return {};
  auto value = find_annotation(file->getAnnotations(), kCxxNamespace);
  return value ? text(value->getText()) : std::string();
}

std::string SchemaIndex::file_name(std::uint64_t id) const {
  const Node::Reader* file = find(file_of(id));
  return file == nullptr ? std::string() : text(file->getDisplayName());
}

std::string SchemaIndex::doc(std::uint64_t id) const {
  auto found = sources_.find(id);
  return found == sources_.end() ? std::string() : comment(found->second.getDocComment());
}

std::string SchemaIndex::member_doc(std::uint64_t id, unsigned position) const {
  auto found = sources_.find(id);
  if (found == sources_.end() || position >= found->second.getMembers().size()) return {};
  return comment(found->second.getMembers()[position].getDocComment());
}

std::optional<capnp::schema::Value::Reader> find_annotation(Annotations annotations,
                                                            std::uint64_t id) {
  for (auto annotation : annotations) {
    if (annotation.getId() == id) return annotation.getValue();
  }
  return std::nullopt;
}

std::string cxx_name(std::string_view name, Annotations annotations) {
  auto value = find_annotation(annotations, kCxxName);
  return value ? text(value->getText()) : std::string(name);
}

}  // namespace ferry::idl
