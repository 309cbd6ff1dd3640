// ServiceTable: which service instances a server has.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ferry/server.h>
#include <ferry/status.h>
#include <ferry/support/service_base.h>

#include "runtime/support/greeting.h"

namespace ferry::drivers {

struct Registration {
  std::uint32_t instance = 0;  // its id on the wire; 0 is nobody's
  support::ServiceBase* service = nullptr;
  std::shared_ptr<support::ServiceBase> owner;  // when shared with the server
  ServiceOptions options;
};

// Thread safety: filled before the server listens, only read afterwards.
class ServiceTable {
 public:
  void add(support::ServiceBase& service, std::shared_ptr<support::ServiceBase> owner,
           ServiceOptions options);
  // ALREADY_EXISTS for two services that no client could tell apart, RESOURCE_EXHAUSTED for too
  // many.
  [[nodiscard]] Status check() const;
  // nullptr when there is no such instance.
  [[nodiscard]] const Registration* find(std::uint32_t instance) const noexcept;
  [[nodiscard]] std::vector<support::ServiceEntry> entries() const;

 private:
  std::vector<Registration> registrations_;  // instance i is at i - 1
};

}  // namespace ferry::drivers
