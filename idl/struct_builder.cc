#include "idl/struct_builder.h"

#include <algorithm>
#include <utility>

#include "idl/cpp_names.h"
#include "idl/default_value.h"
#include "idl/fd_rules.h"
#include "idl/name_checks.h"

namespace ferry::idl {
namespace {

constexpr std::uint64_t kFdAnnotation = 0xb1f2a6d0c3e84f17;        // $fd in ferry/rpc.capnp
constexpr std::uint64_t kOptionalAnnotation = 0xc8d5e19f07b3a264;  // $optional

std::string text(capnp::Text::Reader reader) { return {reader.begin(), reader.end()}; }

// The innermost element of nested lists, or the type itself.
const Type& innermost(const Type& type) {
  const Type* at = &type;
  while (at->kind == Kind::kList) at = at->element.get();
  return *at;
}

// The first interface that is no Fd in the type as written, its lists and arguments; or nullptr.
const Type* named_interface(const Type& type) {
  const Type& inner = innermost(type);
  if (inner.kind == Kind::kInterface) return &inner;
  if (inner.brand == nullptr) return nullptr;
  for (const auto& [key, argument] : *inner.brand) {
    if (const Type* found = named_interface(argument)) return found;
  }
  return nullptr;
}

// The structs that the type as written names, its lists and arguments.
void structs_named(const Type& type, std::set<std::uint64_t>& into) {
  const Type& inner = innermost(type);
  if (inner.kind == Kind::kStruct) into.insert(inner.id);
  if (inner.brand == nullptr) return;
  for (const auto& [key, argument] : *inner.brand) structs_named(argument, into);
}

}  // namespace

void StructBuilder::add(std::uint64_t id) {
  const Node::Reader* node = index_.find(id);
  if (node == nullptr || structs_.count(id) > 0) return;
  const MethodList* list = index_.method_list(id);
  if (list == nullptr && !node->getStruct().getIsGroup()) {
    check_fields(id, index_.local_name(id), problems_);
  }
  build(id);
  for (auto field : node->getStruct().getFields()) {
    if (field.isGroup()) add(field.getGroup().getTypeId());
  }
}

void StructBuilder::build(std::uint64_t id) {
  const Node::Reader node = *index_.find(id);
  Struct result;
  result.id = id;
  result.generic = types_.is_generic(id);
  result.display = index_.display_name(id);
  result.doc = index_.doc(id);
  const Type type = types_.declared(Kind::kStruct, id);
  result.cpp = type.cpp;
  result.has_union = node.getStruct().getDiscriminantCount() > 0;
  if (!result.generic) {
    const Contents contents = types_.contents(type);
    result.descriptors = contents.descriptors;
    result.plain = !contents.any_pointer;
  }
  std::vector<std::pair<unsigned, Field>> fields;
  unsigned position = 0;
  for (auto one : node.getStruct().getFields()) {
    fields.emplace_back(one.getCodeOrder(), field(id, one, position++));
    if (result.generic && !fields.back().second.type.dependent &&
        types_.contents(fields.back().second.type).any_pointer) {
      result.plain = false;
    }
    note_files(fields.back().second.type);
  }
  std::stable_sort(fields.begin(), fields.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [order, one] : fields) result.fields.push_back(std::move(one));
  structs_.emplace(id, std::move(result));
  order_.push_back(id);
}

Field StructBuilder::field(std::uint64_t owner, capnp::schema::Field::Reader field,
                           unsigned position) const {
  Field result;
  result.name = text(field.getName());
  const std::string name = cxx_name(result.name, field.getAnnotations());
  result.member = member_name(name);
  result.title = title_name(name);
  result.tag = field.getDiscriminantValue();
  if (result.tag != capnp::schema::Field::NO_DISCRIMINANT) result.arm = enumerator_name(name);
  result.doc = index_.member_doc(owner, position);
  result.optional = find_annotation(field.getAnnotations(), kOptionalAnnotation).has_value();
  result.rule = own_rule(field.getAnnotations());
  if (field.isGroup()) {
    result.group = true;
    result.type = types_.declared(Kind::kStruct, field.getGroup().getTypeId());
  } else {
    result.type = types_.resolve(field.getSlot().getType(), nullptr);
    result.has_default = is_set(field.getSlot().getDefaultValue());
    result.default_text = scalar_default(index_, result.type, field.getSlot().getDefaultValue());
    if (result.type.kind == Kind::kText) {
      result.default_bytes = text(field.getSlot().getDefaultValue().getText());
    }
    for (std::uint64_t held : types_.held_by(field, Through::kValues)) {
      result.boxed = result.boxed || types_.holds(held, owner, Through::kValues);
    }
    for (std::uint64_t held : types_.held_by(field, Through::kLists)) {
      result.recursive = result.recursive || types_.holds(held, owner, Through::kLists);
    }
    result.mutual = result.recursive && top_struct(innermost(result.type).id) != top_struct(owner);
  }
  if (!result.type.dependent) result.descriptors = types_.contents(result.type).descriptors;
  return result;
}

std::uint64_t StructBuilder::top_struct(std::uint64_t id) const {
  for (const Node::Reader* node = index_.find(id);
       node != nullptr && node->isStruct() && node->getStruct().getIsGroup();
       node = index_.find(id)) {
    id = node->getScopeId();
  }
  return id;
}

void StructBuilder::note_files(const Type& type) {
  const Type& inner = innermost(type);
  if (inner.id != 0) files_.insert(index_.file_of(inner.id));
  if (inner.brand == nullptr) return;
  for (const auto& [key, argument] : *inner.brand) note_files(argument);
}

void StructBuilder::check_fields(std::uint64_t id, const std::string& where,
                                 Problems& found) const {
  for (auto field : index_.find(id)->getStruct().getFields()) {
    const std::string at = where + "." + text(field.getName());
    if (field.isGroup()) check_fields(field.getGroup().getTypeId(), at, found);
    check_field(field, at, id, found);
  }
}

void StructBuilder::check_field(capnp::schema::Field::Reader field, const std::string& where,
                                std::uint64_t owner, Problems& found) const {
  auto add = [&](std::string reason) { found.add_at(owner, where, std::move(reason)); };
  if (field.getDiscriminantValue() != capnp::schema::Field::NO_DISCRIMINANT) {
    const std::string arm =
        enumerator_name(cxx_name(text(field.getName()), field.getAnnotations()));
    if (is_macro(arm)) add(macro_problem(arm));
  }
  const bool rule = find_annotation(field.getAnnotations(), kFdAnnotation).has_value();
  const bool optional = find_annotation(field.getAnnotations(), kOptionalAnnotation).has_value();
  if (field.isGroup()) return;  // capnp lets neither annotation stand there
  const Type type = types_.resolve(field.getSlot().getType(), nullptr);
  const Type& inner = innermost(type);
  if (const Type* interface = named_interface(type)) {
    const std::string name = interface->id == 0 ? "Capability" : index_.display_name(interface->id);
    add("is of interface " + name + ": only Fd, and interfaces that extend it, can be passed");
  }
  if (optional && inner.kind != Kind::kFd) add("$optional stands on what is no Fd");
  if (!rule) return;
  const bool may_hold = type.dependent || types_.contents(type).descriptors;
  const FdRule own = own_rule(field.getAnnotations());
  std::string reason = may_hold ? nonsense(own) : "$fd stands on what holds no Fd";
  if (reason.empty() && inner.kind == Kind::kFd) {
    reason = contradiction(type_rule(index_, inner.id), own);
  }
  if (!reason.empty()) add(reason);
}

std::vector<Struct> StructBuilder::in_order() const {
  std::set<std::uint64_t> placed;
  std::vector<Struct> result;
  for (std::uint64_t id : order_) place(id, placed, result);
  // A list may name a struct that is not complete yet.
  std::set<std::uint64_t> complete;
  for (Struct& one : result) {
    complete.insert(one.id);
    for (Field& field : one.fields) {
      std::set<std::uint64_t> named;
      structs_named(field.type, named);
      for (std::uint64_t id : named) {
        if (structs_.count(id) > 0 && complete.count(id) == 0) field.late = true;
      }
    }
  }
  return result;
}

void StructBuilder::place(std::uint64_t id, std::set<std::uint64_t>& placed,
                          std::vector<Struct>& into) const {
  auto found = structs_.find(id);
  if (found == structs_.end() || !placed.insert(id).second) return;
  // What is held by value must come first; lists give way where both is not possible.
  for (const bool lists : {false, true}) {
    for (const Field& field : found->second.fields) {
      if (field.boxed || (field.type.kind == Kind::kList) != lists) continue;
      std::set<std::uint64_t> named;
      structs_named(field.type, named);
      for (std::uint64_t one : named) place(one, placed, into);
    }
  }
  into.push_back(found->second);
}

bool StructBuilder::file_reaches_itself(std::uint64_t file) const {
  // File -> files whose structs, interfaces or enums its nodes name.
  std::map<std::uint64_t, std::set<std::uint64_t>> names;
  auto note = [&](std::uint64_t from, std::uint64_t to) {
    const std::uint64_t a = index_.file_of(from);
    const std::uint64_t b = index_.file_of(to);
    if (a != b) names[a].insert(b);
  };
  for (const auto& [id, node] : index_.nodes()) {
    if (node.isStruct()) {
      for (auto field : node.getStruct().getFields()) {
        if (field.isGroup()) continue;
        const Type type = types_.resolve(field.getSlot().getType(), nullptr);
        const Type& inner = innermost(type);
        if (inner.id != 0) note(id, inner.id);
      }
    } else if (node.isInterface()) {
      for (auto base : node.getInterface().getSuperclasses()) note(id, base.getId());
      for (auto method : node.getInterface().getMethods()) {
        note(id, method.getParamStructType());
        note(id, method.getResultStructType());
      }
    }
  }
  std::set<std::uint64_t> seen;
  std::vector<std::uint64_t> open(names[file].begin(), names[file].end());
  while (!open.empty()) {
    const std::uint64_t at = open.back();
    open.pop_back();
    if (at == file) return true;
    if (seen.insert(at).second) open.insert(open.end(), names[at].begin(), names[at].end());
  }
  return false;
}

}  // namespace ferry::idl
