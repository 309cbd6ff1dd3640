// Problems: what a schema asks for that cannot be done, and where.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "idl/schema_index.h"
#include "idl/service_model.h"

namespace ferry::idl {

class Problems {
 public:
  explicit Problems(const SchemaIndex& index) : index_(index) {}

  // About `member` of node `id`, or about the node itself when that is empty.
  void add(std::uint64_t id, const std::string& member, std::string reason) {
    std::string where = index_.scope_of(id) == 0 ? std::string() : index_.local_name(id);
    if (!member.empty()) where += "." + member;
    add_at(id, std::move(where), std::move(reason));
  }
  // About `where`, which is in the file of node `id`.
  void add_at(std::uint64_t id, std::string where, std::string reason) {
    all_.push_back({index_.file_name(id), std::move(where), std::move(reason)});
  }
  void add(const std::vector<Problem>& more) { all_.insert(all_.end(), more.begin(), more.end()); }

  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] const std::vector<Problem>& all() const { return all_; }

 private:
  const SchemaIndex& index_;
  std::vector<Problem> all_;
};

}  // namespace ferry::idl
