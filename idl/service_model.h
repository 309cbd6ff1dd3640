// The service model: what a schema says, checked, and named as C++ wants it. Plain data.
//
// model_builder.h makes it from Cap'n Proto's CodeGeneratorRequest; codegen/ turns it into text.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ferry::idl {

enum class Kind : std::uint8_t {
  kVoid,
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
  kFloat32,
  kFloat64,
  kText,
  kData,
  kList,
  kEnum,
  kStruct,
  kFd,          // ferry's Fd, or an interface derived from it
  kInterface,   // any other interface
  kAnyPointer,  // AnyPointer, AnyStruct, AnyList, and generics left unbound
  kParameter,   // a type parameter of the scope in which the type is named
};

struct Type;

// What the type parameters in reach stand for: (id of the scope that declares it, index) -> type.
// One that is missing is unbound, which Cap'n Proto takes for AnyPointer.
using Brand = std::map<std::pair<std::uint64_t, std::uint16_t>, Type>;

struct Type {
  Kind kind = Kind::kVoid;
  std::uint64_t id = 0;                 // of the enum, struct or interface
  std::string cpp;                      // Cap'n Proto's C++ type
  std::shared_ptr<const Type> element;  // of a list
  std::shared_ptr<const Brand> brand;   // of a struct or interface; null inside its own declaration
  // Names a type parameter of the scope it stands in, so C++ learns it only when that is bound.
  bool dependent = false;
};

// What a descriptor must be ($fd). The numbers are those of FdKind, FdAccess and FdSeal in
// ferry/rpc.capnp.
struct FdRule {
  std::uint16_t kind = 0;
  std::uint16_t access = 0;
  std::uint16_t seals = 0;  // bit i: seal number i must be there
  [[nodiscard]] bool any() const { return kind == 0 && access == 0 && seals == 0; }
};

struct Field {
  std::string name;    // as in the schema
  std::string member;  // as a C++ member: never a keyword or a macro
  std::string title;   // as in getTitle()
  std::string arm;     // its enumerator in Which; empty when it is in no union
  std::uint16_t tag = 0;
  Type type;
  bool group = false;
  bool optional = false;  // $optional
  bool boxed = false;     // a struct that contains itself through this field
  // Leads back to its own struct, through lists too; and then through other structs.
  bool recursive = false;
  bool mutual = false;
  bool has_default = false;   // a default that is not zero, empty or null
  bool late = false;          // a list of structs that can only be defined after this one
  std::string default_text;   // of a scalar: the C++ expression
  std::string default_bytes;  // of a Text
  FdRule rule;                // $fd on the field
  bool descriptors = false;   // can hold descriptors (when not dependent)
  std::string doc;
};

// A struct, a group, or the parameters or results of a method.
struct Struct {
  std::uint64_t id = 0;
  std::string cpp;            // "::demo::Entry"; of a generic one only for comments
  std::string display;        // "demo.Entry"
  bool generic = false;       // it or a scope around it has type parameters
  std::vector<Field> fields;  // in the order of the schema's text
  bool has_union = false;
  bool descriptors = false;  // can hold descriptors (when not generic)
  bool plain = true;         // has a plain form; a generic one: as far as its own text says
  std::string doc;
};

// The parameters or results of a method.
struct Message {
  Type type;
  std::string nested;    // "OpenParams" when declared by the method's own parameter list
  bool unbound = false;  // such a list of a method with type parameters of its own, left unbound
  bool plain = true;     // has a plain form
};

struct Method {
  std::string name;
  std::string member;  // as a C++ member
  std::string title;   // "Open"
  std::uint16_t ordinal = 0;
  Message params;
  Message results;
  bool idempotent = false;
  std::string doc;
};

// A method that was left out, and why.
struct Refusal {
  std::string where;  // "FileBroker.watch.entry"
  std::string reason;
};

struct Interface {
  std::uint64_t id = 0;
  std::string cpp;      // "::demo::FileBroker"; of a generic one without its arguments
  std::string display;  // "demo.FileBroker"
  // Type parameters, outermost first, when C++ can deduce them from the type's name; a generic
  // interface that has none here is matched by its id.
  std::vector<std::string> parameters;
  bool generic = false;
  std::vector<Type> bases;      // as written
  std::vector<Type> ancestors;  // all, each once, bases before theirs
  std::vector<Method> methods;  // by ordinal
  std::vector<Refusal> refused;
  std::string doc;
};

// An interface derived from Fd.
struct FdType {
  std::uint64_t id = 0;
  std::string cpp;
  FdRule rule;  // its own and its bases'
  std::string doc;
};

struct Enum {
  std::string cpp;
  std::string doc;
  std::vector<std::pair<std::string, std::string>> enumerants;  // name, doc
};

// One requested file.
struct File {
  std::string name;                   // as capnp was told
  std::vector<std::string> includes;  // "other.capnp" or <ferry/rpc.capnp> (quotes included)
  std::vector<Struct> structs;        // each after those it holds by value
  std::vector<Interface> interfaces;
  std::vector<FdType> fd_types;
  std::vector<Enum> enums;
};

// One thing that cannot be done.
struct Problem {
  std::string file;
  std::string where;
  std::string reason;
};

}  // namespace ferry::idl
