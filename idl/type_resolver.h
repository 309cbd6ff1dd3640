// TypeResolver: from the schema's types to the model's, and what follows from a type.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "idl/schema_index.h"
#include "idl/service_model.h"

namespace ferry::idl {

// What can be found in a message of a type, anywhere inside.
struct Contents {
  bool descriptors = false;        // may hold one
  bool any_pointer = false;        // may hold what the schema doesn't describe: no plain form
  std::uint64_t interface_at = 0;  // a struct with an interface that is no Fd, or 0
};

// Whether what stands in a list counts as held.
enum class Through { kValues, kLists };

// Thread safety: const.
class TypeResolver {
 public:
  explicit TypeResolver(const SchemaIndex& index) : index_(index) {}

  // `type` as it stands in a declaration. `scope` binds the type parameters in reach; null: they
  // are not bound, and a type that names one is dependent.
  [[nodiscard]] Type resolve(capnp::schema::Type::Reader type,
                             const std::shared_ptr<const Brand>& scope) const;
  // The struct, interface or enum `id` under `brand`.
  [[nodiscard]] Type named(Kind kind, std::uint64_t id, capnp::schema::Brand::Reader brand,
                           const std::shared_ptr<const Brand>& scope) const;
  // The same for a node seen from inside its own declaration.
  [[nodiscard]] Type declared(Kind kind, std::uint64_t id) const;

  // Precondition: !type.dependent.
  [[nodiscard]] Contents contents(const Type& type) const;
  // Whether a value of the struct `from` can hold one of the struct `to`, at some depth.
  [[nodiscard]] bool holds(std::uint64_t from, std::uint64_t to, Through through) const;
  // The structs that the field holds.
  [[nodiscard]] std::set<std::uint64_t> held_by(capnp::schema::Field::Reader field,
                                                Through through) const;

  [[nodiscard]] bool is_fd(std::uint64_t interface) const;
  // Whether the node or a scope around it has type parameters.
  [[nodiscard]] bool is_generic(std::uint64_t id) const;
  // What C++ calls type parameter `index` of node `id`: with an underscore, so that nothing
  // clashes.
  [[nodiscard]] std::string parameter_name(std::uint64_t id, std::uint16_t index) const;

 private:
  [[nodiscard]] std::string spell(std::uint64_t id, const Brand& brand) const;
  void collect(const Type& type, std::uint64_t owner, std::set<std::string>& seen,
               Contents& contents) const;
  void add_structs(const Type& type, Through through, std::set<std::uint64_t>& into) const;

  const SchemaIndex& index_;
};

}  // namespace ferry::idl
