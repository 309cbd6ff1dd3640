#include "runtime/drivers/service_table.h"

#include <utility>

#include <ferry/limits.h>

namespace ferry::drivers {

void ServiceTable::add(support::ServiceBase& service, std::shared_ptr<support::ServiceBase> owner,
                       ServiceOptions options) {
  const auto instance = static_cast<std::uint32_t>(registrations_.size() + 1);
  registrations_.push_back({instance, &service, std::move(owner), std::move(options)});
}

Status ServiceTable::check() const {
  if (registrations_.size() > limits::kServices) {
    return Status::resource_exhausted("a server offers at most " +
                                      std::to_string(limits::kServices) + " services, not " +
                                      std::to_string(registrations_.size()));
  }
  for (std::size_t i = 0; i < registrations_.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const support::InterfaceInfo& one = *registrations_[i].service->ferry_interfaces().front();
      const support::InterfaceInfo& other = *registrations_[j].service->ferry_interfaces().front();
      const std::string& name = registrations_[i].options.name;
      if (one.type_id != other.type_id || name != registrations_[j].options.name) continue;
      return Status::already_exists("two services of " + std::string(one.name) + " are called \"" +
                                    name + "\": give one another ServiceOptions::name");
    }
  }
  return {};
}

const Registration* ServiceTable::find(std::uint32_t instance) const noexcept {
  if (instance == 0 || instance > registrations_.size()) return nullptr;
  return &registrations_[instance - 1];
}

std::vector<support::ServiceEntry> ServiceTable::entries() const {
  std::vector<support::ServiceEntry> entries;
  entries.reserve(registrations_.size());
  for (const Registration& registration : registrations_) {
    support::ServiceEntry entry;
    entry.instance = registration.instance;
    entry.name = registration.options.name;
    for (const support::InterfaceInfo* interface : registration.service->ferry_interfaces()) {
      entry.interfaces.push_back(interface->type_id);
    }
    entry.interface_name = registration.service->ferry_interfaces().front()->name;
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace ferry::drivers
