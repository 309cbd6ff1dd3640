#include "transports/mq/mq.h"

#include <memory>
#include <utility>

#include "transports/mq/mq_lane.h"
#include "transports/mq/queue_pair.h"

namespace ferry::transports {

namespace {

class MqOffer final : public Offer {
 public:
  explicit MqOffer(QueuePair ends) noexcept : ends_(std::move(ends)) {}

  [[nodiscard]] std::vector<int> descriptors() const override {
    return {ends_.client.read.get(), ends_.client.write.get()};
  }
  [[nodiscard]] Result<std::unique_ptr<Lane>> accept(UniqueFd control) override {
    ends_.client = {};
    return std::unique_ptr<Lane>(
        std::make_unique<MqLane>(std::move(ends_.server), std::move(control)));
  }

 private:
  QueuePair ends_;
};

class MqTransport final : public Transport {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "mq"; }
  [[nodiscard]] WaitMode wait_mode() const noexcept override { return WaitMode::kDescriptor; }
  [[nodiscard]] Status permits(const Peer&) const override { return {}; }
  [[nodiscard]] Result<std::unique_ptr<Offer>> offer(const SetUp&) const override {
    auto ends = make_queues();
    if (!ends) return ends.status();
    return std::unique_ptr<Offer>(std::make_unique<MqOffer>(std::move(*ends)));
  }
  [[nodiscard]] Result<std::unique_ptr<Lane>> join(const SetUp&, std::uint64_t,
                                                   std::vector<UniqueFd> descriptors,
                                                   UniqueFd& control) const override {
    auto ends = check_queues(std::move(descriptors));
    if (!ends) return ends.status();
    return std::unique_ptr<Lane>(std::make_unique<MqLane>(std::move(*ends), std::move(control)));
  }
};

}  // namespace

const Transport& mq_transport() {
  static const MqTransport transport;
  return transport;
}

}  // namespace ferry::transports
