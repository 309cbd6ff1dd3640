#include "transports/rendezvous/server_policy.h"

#include <algorithm>

namespace ferry::transports {

namespace {

std::string joined(std::span<const std::string> names) {
  std::string text;
  for (const std::string& one : names) text += (text.empty() ? "" : ",") + one;
  return text;
}

bool lists(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Result<ServerPolicy> server_policy(const Target& target, std::span<const std::string> allow,
                                   Trust trust) {
  for (const std::string& one : allow) {
    if (find_transport(one) != nullptr) continue;
    std::string accepted;
    for (const Transport* transport : all_transports()) {
      accepted += (accepted.empty() ? "" : ", ") + std::string(transport->name());
    }
    return Status::invalid_argument("allow: there is no transport \"" + one + "\"; accepted are " +
                                    accepted);
  }
  ServerPolicy policy;
  policy.trust = trust;
  for (const Transport* transport : all_transports()) {
    if (!target.order.empty() && !lists(target.order, transport->name())) continue;
    if (!allow.empty() && !lists(allow, transport->name())) continue;
    policy.offered.push_back(transport);
  }
  policy.restriction = "it listens on \"" + target.text + "\"";
  if (!allow.empty()) policy.restriction = "it listens with --allow=" + joined(allow);
  if (policy.offered.empty()) {
    return Status::invalid_argument(
        "target \"" + target.text + "\" with --allow=" + joined(allow) +
        " leaves no transport to offer; allow one that the target names");
  }
  return policy;
}

}  // namespace ferry::transports
