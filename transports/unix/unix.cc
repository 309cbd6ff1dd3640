#include "transports/unix/unix.h"

#include <string>
#include <utility>

#include "transports/unix/unix_lane.h"

namespace ferry::transports {

namespace {

class UnixOffer final : public Offer {
 public:
  [[nodiscard]] std::vector<int> descriptors() const override { return {}; }
  [[nodiscard]] Result<std::unique_ptr<Lane>> accept(UniqueFd control) override {
    return UnixLane::make(UnixLane::Side::kServer, control);
  }
};

class UnixTransport final : public Transport {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "unix"; }
  [[nodiscard]] WaitMode wait_mode() const noexcept override { return WaitMode::kDescriptor; }
  [[nodiscard]] Status permits(const Peer&) const override { return {}; }
  [[nodiscard]] Result<std::unique_ptr<Offer>> offer(const SetUp&) const override {
    return std::unique_ptr<Offer>(std::make_unique<UnixOffer>());
  }
  [[nodiscard]] Result<std::unique_ptr<Lane>> join(const SetUp&, std::uint64_t,
                                                   std::vector<UniqueFd> descriptors,
                                                   UniqueFd& control) const override {
    if (!descriptors.empty()) {
      return Status::invalid_argument("join unix: the server passed " +
                                      std::to_string(descriptors.size()) +
                                      " descriptors with its offer, none belong to it");
    }
    return UnixLane::make(UnixLane::Side::kClient, control);
  }
};

}  // namespace

const Transport& unix_transport() {
  static const UnixTransport transport;
  return transport;
}

}  // namespace ferry::transports
