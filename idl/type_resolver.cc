#include "idl/type_resolver.h"

#include <vector>

#include <ferry/rpc.capnp.h>

namespace ferry::idl {
namespace {

constexpr std::size_t kLongestTypeName = 4096;  // of a type that brands itself with itself for ever

struct Builtin {
  Kind kind;
  const char* cpp;
};

// By the discriminant of schema.capnp's Type, void to data.
constexpr Builtin kBuiltins[] = {
    {Kind::kVoid, "::capnp::Void"}, {Kind::kBool, "bool"},          {Kind::kInt8, "::int8_t"},
    {Kind::kInt16, "::int16_t"},    {Kind::kInt32, "::int32_t"},    {Kind::kInt64, "::int64_t"},
    {Kind::kUInt8, "::uint8_t"},    {Kind::kUInt16, "::uint16_t"},  {Kind::kUInt32, "::uint32_t"},
    {Kind::kUInt64, "::uint64_t"},  {Kind::kFloat32, "float"},      {Kind::kFloat64, "double"},
    {Kind::kText, "::capnp::Text"}, {Kind::kData, "::capnp::Data"},
};

Type any_pointer() {
  Type type;
  type.kind = Kind::kAnyPointer;
  type.cpp = "::capnp::AnyPointer";
  return type;
}

Type unconstrained(capnp::schema::Type::AnyPointer::Unconstrained::Reader any) {
  Type type = any_pointer();
  switch (any.which()) {
    case capnp::schema::Type::AnyPointer::Unconstrained::STRUCT:
      type.cpp = "::capnp::AnyStruct";
      break;
    case capnp::schema::Type::AnyPointer::Unconstrained::LIST:
      type.cpp = "::capnp::AnyList";
      break;
    case capnp::schema::Type::AnyPointer::Unconstrained::CAPABILITY:
      type.kind = Kind::kInterface;
      type.cpp = "::capnp::Capability";
      break;
    default:
      break;
  }
  return type;
}

// `name` is what C++ calls the parameter where it is not bound.
Type parameter(std::uint64_t scope_id, std::uint16_t index, std::string name,
               const std::shared_ptr<const Brand>& scope) {
  if (scope == nullptr) {
    Type type;
    type.kind = Kind::kParameter;
    type.dependent = true;
    type.cpp = name;
    return type;
  }
  auto bound = scope->find({scope_id, index});
  return bound == scope->end() ? any_pointer() : bound->second;
}

}  // namespace

Type TypeResolver::resolve(capnp::schema::Type::Reader type,
                           const std::shared_ptr<const Brand>& scope) const {
  switch (type.which()) {
    case capnp::schema::Type::LIST: {
      Type list;
      list.kind = Kind::kList;
      list.element = std::make_shared<Type>(resolve(type.getList().getElementType(), scope));
      list.dependent = list.element->dependent;
      list.cpp = "::capnp::List<" + list.element->cpp + ">";
      return list;
    }
    case capnp::schema::Type::ENUM:
      return named(Kind::kEnum, type.getEnum().getTypeId(), type.getEnum().getBrand(), scope);
    case capnp::schema::Type::STRUCT:
      return named(Kind::kStruct, type.getStruct().getTypeId(), type.getStruct().getBrand(), scope);
    case capnp::schema::Type::INTERFACE: {
      auto interface = type.getInterface();
      const Kind kind = is_fd(interface.getTypeId()) ? Kind::kFd : Kind::kInterface;
      return named(kind, interface.getTypeId(), interface.getBrand(), scope);
    }
    case capnp::schema::Type::ANY_POINTER: {
      auto any = type.getAnyPointer();
      if (any.isUnconstrained()) return unconstrained(any.getUnconstrained());
      if (any.isParameter()) {
        const std::uint64_t id = any.getParameter().getScopeId();
        const std::uint16_t position = any.getParameter().getParameterIndex();
        return parameter(id, position, parameter_name(id, position), scope);
      }
      return any_pointer();  // a method's own type parameter, never bound on the wire
    }
    default: {
      const Builtin& builtin = kBuiltins[static_cast<std::size_t>(type.which())];
      Type result;
      result.kind = builtin.kind;
      result.cpp = builtin.cpp;
      return result;
    }
  }
}

Type TypeResolver::named(Kind kind, std::uint64_t id, capnp::schema::Brand::Reader brand,
                         const std::shared_ptr<const Brand>& scope) const {
  auto bound = std::make_shared<Brand>();
  bool dependent = false;
  for (auto one : brand.getScopes()) {
    const Node::Reader* node = index_.find(one.getScopeId());
    const std::uint16_t count = node == nullptr ? 0 : node->getParameters().size();
    for (std::uint16_t i = 0; i < count; ++i) {
      Type argument = any_pointer();
      if (one.isInherit()) {
        argument = parameter(one.getScopeId(), i, parameter_name(one.getScopeId(), i), scope);
      } else if (i < one.getBind().size() && one.getBind()[i].isType()) {
        argument = resolve(one.getBind()[i].getType(), scope);
      }
      dependent = dependent || argument.dependent;
      bound->emplace(std::pair(one.getScopeId(), i), std::move(argument));
    }
  }
  Type type;
  type.kind = kind;
  type.id = id;
  type.dependent = dependent && kind != Kind::kEnum;
  type.brand = bound;
  if (kind == Kind::kEnum && is_generic(id)) {
    // Inside a template an enum is only a name for this one.
    char digits[17];
    std::snprintf(digits, sizeof digits, "%lx", static_cast<unsigned long>(id));
    type.cpp = "::capnp::schemas::" + index_.short_name(id) + "_" + digits;
    return type;
  }
  type.cpp = spell(id, *bound);
  return type;
}

std::string TypeResolver::spell(std::uint64_t id, const Brand& brand) const {
  std::vector<std::uint64_t> scopes;  // innermost first
  for (std::uint64_t at = id; at != 0 && index_.scope_of(at) != 0; at = index_.scope_of(at)) {
    scopes.push_back(at);
  }
  const std::string name_space = index_.name_space(id);
  std::string text = name_space.empty() ? "" : "::" + name_space;
  bool in_dependent = false;
  for (auto at = scopes.rbegin(); at != scopes.rend(); ++at) {
    const Node::Reader* node = index_.find(*at);
    const std::uint16_t count = node == nullptr ? 0 : node->getParameters().size();
    if (in_dependent && !text.starts_with("typename ")) text = "typename " + text;
    text += in_dependent && count > 0 ? "::template " : "::";
    text += index_.short_name(*at);
    for (std::uint16_t i = 0; i < count; ++i) {
      auto bound = brand.find({*at, i});
      const Type argument = bound == brand.end() ? any_pointer() : bound->second;
      in_dependent = in_dependent || argument.dependent;
      text += (i == 0 ? "<" : ", ") + argument.cpp;
    }
    if (count > 0) text += ">";
  }
  return text;
}

std::string TypeResolver::parameter_name(std::uint64_t id, std::uint16_t index) const {
  const Node::Reader* node = index_.find(id);
  if (node == nullptr || index >= node->getParameters().size()) return {};
  auto name = node->getParameters()[index].getName();
  return std::string(name.begin(), name.end()) + "_";
}

Type TypeResolver::declared(Kind kind, std::uint64_t id) const {
  if (!is_generic(id)) return named(kind, id, capnp::schema::Brand::Reader(), nullptr);
  Type type;
  type.kind = kind;
  type.id = id;
  type.dependent = true;
  Brand own;
  for (std::uint64_t at = id; at != 0; at = index_.scope_of(at)) {
    const Node::Reader* node = index_.find(at);
    for (std::uint16_t i = 0; node != nullptr && i < node->getParameters().size(); ++i) {
      own.emplace(std::pair(at, i), parameter(at, i, parameter_name(at, i), nullptr));
    }
  }
  type.cpp = spell(id, own);
  return type;
}

Contents TypeResolver::contents(const Type& type) const {
  Contents result;
  std::set<std::string> seen;
  collect(type, type.id, seen, result);
  return result;
}

void TypeResolver::collect(const Type& type, std::uint64_t owner, std::set<std::string>& seen,
                           Contents& contents) const {
  switch (type.kind) {
    case Kind::kFd:
      contents.descriptors = true;
      return;
    case Kind::kAnyPointer:
      contents.descriptors = true;
      contents.any_pointer = true;
      return;
    case Kind::kList:
      return collect(*type.element, owner, seen, contents);
    case Kind::kInterface:
      contents.interface_at = owner;
      return;
    case Kind::kStruct: {
      if (type.cpp.size() > kLongestTypeName || !seen.insert(type.cpp).second) return;
      const Node::Reader* node = index_.find(type.id);
      if (node == nullptr) return;
      for (auto field : node->getStruct().getFields()) {
        if (field.isGroup()) {
          Type group = type;
          group.id = field.getGroup().getTypeId();
          group.cpp += "::" + index_.short_name(group.id);
          collect(group, type.id, seen, contents);
        } else {
          collect(resolve(field.getSlot().getType(), type.brand), type.id, seen, contents);
        }
      }
      return;
    }
    default:
      return;
  }
}

void TypeResolver::add_structs(const Type& type, Through through,
                               std::set<std::uint64_t>& into) const {
  if (type.kind == Kind::kList && through == Through::kLists) {
    return add_structs(*type.element, through, into);
  }
  if (type.kind != Kind::kStruct) return;
  into.insert(type.id);
  if (type.brand == nullptr) return;
  for (const auto& [key, argument] : *type.brand) add_structs(argument, through, into);
}

std::set<std::uint64_t> TypeResolver::held_by(capnp::schema::Field::Reader field,
                                              Through through) const {
  std::set<std::uint64_t> result;
  if (field.isGroup()) {
    result.insert(field.getGroup().getTypeId());
  } else {
    add_structs(resolve(field.getSlot().getType(), nullptr), through, result);
  }
  return result;
}

bool TypeResolver::holds(std::uint64_t from, std::uint64_t to, Through through) const {
  std::set<std::uint64_t> seen;
  std::vector<std::uint64_t> open{from};
  while (!open.empty()) {
    const std::uint64_t id = open.back();
    open.pop_back();
    if (id == to) return true;
    const Node::Reader* node = index_.find(id);
    if (!seen.insert(id).second || node == nullptr || !node->isStruct()) continue;
    for (auto field : node->getStruct().getFields()) {
      for (std::uint64_t held : held_by(field, through)) open.push_back(held);
    }
  }
  return false;
}

bool TypeResolver::is_fd(std::uint64_t interface) const {
  if (interface == capnp::typeId<rpc::Fd>()) return true;
  const Node::Reader* node = index_.find(interface);
  if (node == nullptr || !node->isInterface()) return false;
  for (auto base : node->getInterface().getSuperclasses()) {
    if (is_fd(base.getId())) return true;
  }
  return false;
}

bool TypeResolver::is_generic(std::uint64_t id) const {
  for (; id != 0; id = index_.scope_of(id)) {
    const Node::Reader* node = index_.find(id);
    if (node != nullptr && node->getParameters().size() > 0) return true;
    // A list of a method with type parameters of its own is a template too.
    const MethodList* list = index_.method_list(id);
    if (list != nullptr && list->has_parameters) return true;
  }
  return false;
}

}  // namespace ferry::idl
