// StructBuilder: the structs of one file, with their fields, in an order in which C++ can define
// them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "idl/problems.h"
#include "idl/schema_index.h"
#include "idl/service_model.h"
#include "idl/type_resolver.h"

namespace ferry::idl {

class StructBuilder {
 public:
  StructBuilder(const SchemaIndex& index, const TypeResolver& types, Problems& problems)
      : index_(index), types_(types), problems_(problems) {}

  // Adds a struct and its groups. The lists of methods are checked by who adds them.
  void add(std::uint64_t id);
  // What is wrong with the fields of a struct; `where` stands before their names.
  void check_fields(std::uint64_t id, const std::string& where, Problems& found) const;

  // Each struct after those it holds by value.
  [[nodiscard]] std::vector<Struct> in_order() const;
  // The files whose types the structs name.
  [[nodiscard]] std::set<std::uint64_t> files_named() const { return files_; }
  // Whether a file names types of files that name types of it.
  [[nodiscard]] bool file_reaches_itself(std::uint64_t file) const;

 private:
  void build(std::uint64_t id);
  [[nodiscard]] Field field(std::uint64_t owner, capnp::schema::Field::Reader field,
                            unsigned position) const;
  // The struct that a group, at any depth, is part of.
  [[nodiscard]] std::uint64_t top_struct(std::uint64_t id) const;
  void note_files(const Type& type);
  void check_field(capnp::schema::Field::Reader field, const std::string& where,
                   std::uint64_t owner, Problems& found) const;
  void place(std::uint64_t id, std::set<std::uint64_t>& placed, std::vector<Struct>& into) const;

  const SchemaIndex& index_;
  const TypeResolver& types_;
  Problems& problems_;
  std::map<std::uint64_t, Struct> structs_;
  std::vector<std::uint64_t> order_;  // as added
  std::set<std::uint64_t> files_;
};

}  // namespace ferry::idl
