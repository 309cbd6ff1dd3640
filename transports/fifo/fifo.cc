#include "transports/fifo/fifo.h"

#include <memory>
#include <utility>

#include "transports/fifo/fifo_ends.h"
#include "transports/fifo/fifo_lane.h"

namespace ferry::transports {

namespace {

class FifoOffer final : public Offer {
 public:
  explicit FifoOffer(FifoPair ends) noexcept : ends_(std::move(ends)) {}

  [[nodiscard]] std::vector<int> descriptors() const override { return ends_.client.descriptors(); }
  [[nodiscard]] Result<std::unique_ptr<Lane>> accept(UniqueFd control) override {
    ends_.client = {};  // while we hold the client's writer, its end would stay unseen
    return std::unique_ptr<Lane>(
        std::make_unique<FifoLane>(std::move(ends_.server), std::move(control)));
  }

 private:
  FifoPair ends_;
};

class FifoTransport final : public Transport {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "fifo"; }
  [[nodiscard]] WaitMode wait_mode() const noexcept override { return WaitMode::kDescriptor; }
  [[nodiscard]] Status permits(const Peer&) const override { return {}; }
  [[nodiscard]] Result<std::unique_ptr<Offer>> offer(const SetUp& set_up) const override {
    auto ends = make_fifos(set_up.rendezvous, set_up.peer);
    if (!ends) return ends.status();
    return std::unique_ptr<Offer>(std::make_unique<FifoOffer>(std::move(*ends)));
  }
  [[nodiscard]] Result<std::unique_ptr<Lane>> join(const SetUp& set_up, std::uint64_t,
                                                   std::vector<UniqueFd> descriptors,
                                                   UniqueFd& control) const override {
    auto ends = check_fifos(std::move(descriptors), set_up.peer);
    if (!ends) return ends.status();
    return std::unique_ptr<Lane>(std::make_unique<FifoLane>(std::move(*ends), std::move(control)));
  }
};

}  // namespace

const Transport& fifo_transport() {
  static const FifoTransport transport;
  return transport;
}

}  // namespace ferry::transports
