// SchemaIndex: finds the nodes of a CodeGeneratorRequest, their names, comments and annotations.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <capnp/schema.capnp.h>

namespace ferry::idl {

using Node = capnp::schema::Node;
using Annotations = capnp::List<capnp::schema::Annotation>::Reader;

// Where the parameter or result list of a method was declared.
struct MethodList {
  std::uint64_t interface = 0;
  std::string nested;           // "OpenParams"
  bool has_parameters = false;  // the method has type parameters of its own
};

// Refers to the request, which must outlive it. Thread safety: const.
class SchemaIndex {
 public:
  explicit SchemaIndex(capnp::schema::CodeGeneratorRequest::Reader request);

  // The node, or nullptr when the request doesn't have it.
  [[nodiscard]] const Node::Reader* find(std::uint64_t id) const;
  [[nodiscard]] const std::map<std::uint64_t, Node::Reader>& nodes() const { return nodes_; }
  // The method whose own list this struct is, or nullptr.
  [[nodiscard]] const MethodList* method_list(std::uint64_t struct_id) const;

  // The id of what stands around a node: its scope, for a method's list the interface. 0: nothing.
  [[nodiscard]] std::uint64_t scope_of(std::uint64_t id) const;
  [[nodiscard]] std::uint64_t file_of(std::uint64_t id) const;
  // The name in C++ without its scope, with $Cxx.name obeyed.
  [[nodiscard]] std::string short_name(std::uint64_t id) const;
  // "demo.Files.Entry": the C++ namespace and the scopes, for people.
  [[nodiscard]] std::string display_name(std::uint64_t id) const;
  // "Files.Entry": as display_name, without the namespace.
  [[nodiscard]] std::string local_name(std::uint64_t id) const;
  // "demo::rpc" of the file the node is in, or "".
  [[nodiscard]] std::string name_space(std::uint64_t id) const;
  // The file's name as in the schemas' display names.
  [[nodiscard]] std::string file_name(std::uint64_t id) const;

  [[nodiscard]] std::string doc(std::uint64_t id) const;
  // Of the field, enumerant or method at `position` in the node's list.
  [[nodiscard]] std::string member_doc(std::uint64_t id, unsigned position) const;

 private:
  void index_methods(std::uint64_t id, Node::Reader node);

  std::map<std::uint64_t, Node::Reader> nodes_;
  std::map<std::uint64_t, Node::SourceInfo::Reader> sources_;
  std::map<std::uint64_t, MethodList> method_lists_;
};

// The value of the annotation with this id, if it is there.
[[nodiscard]] std::optional<capnp::schema::Value::Reader> find_annotation(Annotations annotations,
                                                                          std::uint64_t id);
// The name of a field, method or enumerant in C++: $Cxx.name where given.
[[nodiscard]] std::string cxx_name(std::string_view name, Annotations annotations);

}  // namespace ferry::idl
