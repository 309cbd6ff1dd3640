#include "idl/model_builder.h"

#include <algorithm>
#include <set>
#include <utility>

#include <ferry/rpc.capnp.h>

#include "idl/cpp_names.h"
#include "idl/default_value.h"
#include "idl/fd_rules.h"
#include "idl/name_checks.h"
#include "idl/schema_index.h"
#include "idl/struct_builder.h"
#include "idl/type_resolver.h"

namespace ferry::idl {
namespace {

constexpr std::uint64_t kStreamAnnotation = 0xa94be7315cd0f826;      // $stream in ferry/rpc.capnp
constexpr std::uint64_t kIdempotentAnnotation = 0xd60c98ab24f7e153;  // $idempotent
constexpr std::uint64_t kStreamResult = 0x995f9a3377c0b16e;          // the result of `-> stream`

std::string text(capnp::Text::Reader reader) { return {reader.begin(), reader.end()}; }

// Builds the model of one requested file.
class FileBuilder {
 public:
  FileBuilder(const SchemaIndex& index, const BuildOptions& options, Problems& problems)
      : index_(index),
        types_(index),
        structs_(index, types_, problems),
        options_(options),
        problems_(problems) {}

  File build(capnp::schema::CodeGeneratorRequest::RequestedFile::Reader requested) {
    file_.name = text(requested.getFilename());
    visit_scope(requested.getId());
    add_includes(requested);
    file_.structs = structs_.in_order();
    order_interfaces();
    return std::move(file_);
  }

 private:
  void visit_scope(std::uint64_t id) {
    const Node::Reader* node = index_.find(id);
    if (node == nullptr) return;
    if (const std::string reason = taken_name(index_, id); !reason.empty()) {
      problems_.add(id, "", reason);
    }
    if (node->isStruct()) structs_.add(id);
    if (node->isEnum()) add_enum(id, *node);
    if (node->isInterface()) {
      if (types_.is_fd(id)) {
        add_fd_type(id, *node);
      } else {
        add_interface(id, *node);
      }
    }
    for (auto nested : node->getNestedNodes()) visit_scope(nested.getId());
  }

  void add_enum(std::uint64_t id, Node::Reader node) {
    Enum result;
    result.cpp = types_.declared(Kind::kEnum, id).cpp;
    result.doc = index_.doc(id);
    unsigned position = 0;
    for (auto enumerant : node.getEnum().getEnumerants()) {
      const std::string name =
          enumerator_name(cxx_name(text(enumerant.getName()), enumerant.getAnnotations()));
      if (is_macro(name)) {
        problems_.add(id, text(enumerant.getName()), macro_problem(name));
      }
      result.enumerants.emplace_back(name, index_.member_doc(id, position++));
    }
    file_.enums.push_back(std::move(result));
  }

  void add_fd_type(std::uint64_t id, Node::Reader node) {
    if (id == capnp::typeId<rpc::Fd>()) return;
    if (node.getInterface().getMethods().size() > 0) {
      problems_.add(id, text(node.getInterface().getMethods()[0].getName()),
                    "a descriptor type has no methods");
    }
    if (types_.is_generic(id)) problems_.add(id, "", "a descriptor type can't be generic");
    FdType result;
    result.id = id;
    result.cpp = types_.declared(Kind::kFd, id).cpp;
    result.rule = type_rule(index_, id);
    result.doc = index_.doc(id);
    const FdRule own = own_rule(node.getAnnotations());
    std::string reason = nonsense(own);
    for (auto base : node.getInterface().getSuperclasses()) {
      if (!types_.is_fd(base.getId())) {
        reason = "extends both Fd and " + index_.display_name(base.getId());
      }
      if (reason.empty()) reason = contradiction(type_rule(index_, base.getId()), own);
    }
    if (reason.empty()) reason = nonsense(result.rule);
    if (!reason.empty()) problems_.add(id, "", reason);
    file_.fd_types.push_back(std::move(result));
  }

  void add_interface(std::uint64_t id, Node::Reader node) {
    Interface result;
    result.id = id;
    result.generic = types_.is_generic(id);
    result.display = index_.display_name(id);
    result.doc = index_.doc(id);
    if (!own_rule(node.getAnnotations()).any()) {
      problems_.add(id, "", "$fd stands on an interface that does not extend Fd");
    }
    if (result.generic && types_.is_generic(index_.scope_of(id))) {
      problems_.add(id, "", "an interface inside a generic scope: declare it outside");
      return;
    }
    for (std::uint16_t i = 0; i < node.getParameters().size(); ++i) {
      result.parameters.push_back(types_.parameter_name(id, i));
    }
    result.cpp = types_.declared(Kind::kInterface, id).cpp;
    add_bases(node, result);
    unsigned position = 0;
    for (auto method : node.getInterface().getMethods()) {
      add_method(id, method, static_cast<std::uint16_t>(position), result);
      ++position;
    }
    file_.interfaces.push_back(std::move(result));
  }

  void add_bases(Node::Reader node, Interface& result) {
    for (auto base : node.getInterface().getSuperclasses()) {
      result.bases.push_back(
          types_.named(Kind::kInterface, base.getId(), base.getBrand(), nullptr));
    }
    std::set<std::string> seen;
    for (const Type& base : result.bases) add_ancestors(base, seen, result.ancestors);
  }

  void add_ancestors(const Type& type, std::set<std::string>& seen, std::vector<Type>& into) {
    if (!seen.insert(type.cpp).second) return;
    into.push_back(type);
    const Node::Reader* node = index_.find(type.id);
    if (node == nullptr) return;
    for (auto base : node->getInterface().getSuperclasses()) {
      add_ancestors(types_.named(Kind::kInterface, base.getId(), base.getBrand(), type.brand), seen,
                    into);
    }
  }

  void add_method(std::uint64_t id, capnp::schema::Method::Reader method, std::uint16_t ordinal,
                  Interface& into) {
    Method result;
    result.name = text(method.getName());
    const std::string name = cxx_name(result.name, method.getAnnotations());
    result.member = member_name(name);
    result.title = title_name(name);
    result.ordinal = ordinal;
    result.doc = index_.member_doc(id, ordinal);
    result.idempotent = find_annotation(method.getAnnotations(), kIdempotentAnnotation).has_value();
    const std::vector<Problem> found = method_problems(id, method, into);
    if (!found.empty()) {
      if (!options_.skip_refused) problems_.add(found);
      for (const Problem& problem : found) into.refused.push_back({problem.where, problem.reason});
      return;
    }
    result.params = message(method.getParamStructType(), method.getParamBrand());
    result.results = message(method.getResultStructType(), method.getResultBrand());
    into.methods.push_back(std::move(result));
  }

  std::vector<Problem> method_problems(std::uint64_t id, capnp::schema::Method::Reader method,
                                       const Interface& interface) {
    Problems found(index_);
    const std::string name = text(method.getName());
    if (find_annotation(method.getAnnotations(), kStreamAnnotation) ||
        method.getResultStructType() == kStreamResult) {
      found.add(id, name, "streaming methods are not supported by this version of capnpc-ferry");
      return found.all();
    }
    const std::string taken = taken_method_name(cxx_name(name, method.getAnnotations()));
    if (!taken.empty()) found.add(id, name, taken);
    for (const Type& base : interface.ancestors) {
      const Node::Reader* node = index_.find(base.id);
      if (node == nullptr) continue;
      for (auto inherited : node->getInterface().getMethods()) {
        if (text(inherited.getName()) == name) {
          found.add(id, name,
                    "an interface it extends, " + index_.display_name(base.id) +
                        ", has a method of this name");
        }
      }
    }
    check_message(id, name, method.getParamStructType(), method.getParamBrand(), found);
    check_message(id, name, method.getResultStructType(), method.getResultBrand(), found);
    return found.all();
  }

  // The method's own lists are checked field by field, structs of this file where they stand (but
  // with skip_refused), those of others here.
  void check_message(std::uint64_t id, const std::string& method, std::uint64_t list,
                     capnp::schema::Brand::Reader brand, Problems& found) {
    if (index_.method_list(list) != nullptr) {
      structs_.check_fields(list, index_.local_name(id) + "." + method, found);
      if (found.empty()) structs_.add(list);
    }
    const Type type = types_.named(Kind::kStruct, list, brand, nullptr);
    if (type.dependent || !found.empty()) return;
    const Contents contents = types_.contents(type);
    const bool elsewhere = index_.file_of(contents.interface_at) != index_.file_of(id);
    if (contents.interface_at != 0 && (elsewhere || options_.skip_refused)) {
      found.add(id, method, index_.local_name(contents.interface_at) + " in it holds an interface");
    }
  }

  Message message(std::uint64_t id, capnp::schema::Brand::Reader brand) {
    Message result;
    result.type = types_.named(Kind::kStruct, id, brand, nullptr);
    if (const MethodList* list = index_.method_list(id)) {
      result.nested = list->nested;
      result.unbound = list->has_parameters;
    }
    if (!result.type.dependent) result.plain = !types_.contents(result.type).any_pointer;
    return result;
  }

  // Those that are extended come first.
  void order_interfaces() {
    // Whoever extends another has more ancestors than it.
    std::stable_sort(file_.interfaces.begin(), file_.interfaces.end(),
                     [](const Interface& a, const Interface& b) {
                       return a.ancestors.size() < b.ancestors.size();
                     });
  }

  // Headers of the files whose types this one names.
  void add_includes(capnp::schema::CodeGeneratorRequest::RequestedFile::Reader requested) {
    std::set<std::uint64_t> named = structs_.files_named();
    for (const Interface& interface : file_.interfaces) {
      for (const Type& base : interface.ancestors) named.insert(index_.file_of(base.id));
      for (const Method& method : interface.methods) {
        named.insert(index_.file_of(method.params.type.id));
        named.insert(index_.file_of(method.results.type.id));
      }
    }
    for (auto import : requested.getImports()) {
      if (named.count(import.getId()) == 0 || import.getId() == requested.getId()) continue;
      const std::string name = text(import.getName());
      file_.includes.push_back(name[0] == '/' ? "<" + name.substr(1) + ".ferry.h>"
                                              : "\"" + name + ".ferry.h\"");
    }
    std::sort(file_.includes.begin(), file_.includes.end());
    if (in_import_cycle(requested)) {
      problems_.add(requested.getId(), "",
                    "imports a file that imports this one and uses its types: the headers that "
                    "capnpc-c++ writes can't include each other");
    }
  }

  bool in_import_cycle(capnp::schema::CodeGeneratorRequest::RequestedFile::Reader requested) {
    return structs_.file_reaches_itself(requested.getId());
  }

  const SchemaIndex& index_;
  TypeResolver types_;
  StructBuilder structs_;
  const BuildOptions& options_;
  Problems& problems_;
  File file_;
};

}  // namespace

BuildResult build_model(capnp::schema::CodeGeneratorRequest::Reader request,
                        const BuildOptions& options) {
  const SchemaIndex index(request);
  Problems problems(index);
  BuildResult result;
  for (auto requested : request.getRequestedFiles()) {
    result.files.push_back(FileBuilder(index, options, problems).build(requested));
  }
  result.problems = problems.all();
  return result;
}

}  // namespace ferry::idl
