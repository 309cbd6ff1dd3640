#include "transports/memfd/memfd.h"

#include <string>
#include <utility>

#include "transports/memfd/bell.h"
#include "transports/memfd/memfd_lane.h"
#include "transports/memfd/sealed_memory.h"
#include "transports/ring/layout.h"
#include "transports/sys/shared_mapping.h"

namespace ferry::transports {

namespace {

constexpr std::string_view kWhat = "a memfd lane's memory";

// Passed to the client: the memory, then what Bell::adopt() wants.
class MemfdOffer final : public Offer {
 public:
  MemfdOffer(UniqueFd memory, sys::SharedMapping mapping, std::size_t ring_bytes,
             memfd::Bell::Pair bells)
      : memory_(std::move(memory)),
        mapping_(std::move(mapping)),
        ring_bytes_(ring_bytes),
        bells_(std::move(bells)) {}

  std::vector<int> descriptors() const override {
    std::vector<int> passed = bells_.client.descriptors();
    passed.insert(passed.begin(), memory_.get());
    return passed;
  }
  std::uint64_t parameter() const noexcept override { return ring_bytes_; }
  Result<std::unique_ptr<Lane>> accept(UniqueFd control) override {
    return memfd::MemfdLane::create(std::move(mapping_), ring_bytes_, ring::Side::kServer,
                                    std::move(bells_.server), control);
  }

 private:
  UniqueFd memory_;
  sys::SharedMapping mapping_;
  std::size_t ring_bytes_;
  memfd::Bell::Pair bells_;
};

class MemfdTransport final : public Transport {
 public:
  std::string_view name() const noexcept override { return "memfd"; }
  WaitMode wait_mode() const noexcept override { return WaitMode::kDescriptor; }
  Status permits(const Peer& /*peer*/) const override { return {}; }

  Result<std::unique_ptr<Offer>> offer(const SetUp& set_up) const override {
    if (!ring::ring_bytes_valid(set_up.ring_bytes)) {
      return Status::invalid_argument(ring::bad_ring_bytes(name(), set_up.ring_bytes));
    }
    const std::size_t bytes = ring::segment_bytes(set_up.ring_bytes);
    Result<UniqueFd> memory = memfd::make_sealed_memory(bytes);
    if (!memory) return memory.status();
    Result<sys::SharedMapping> mapping = sys::SharedMapping::map(memory->get(), bytes, kWhat);
    if (!mapping) return mapping.status();
    ring::construct(mapping->get());
    Result<memfd::Bell::Pair> bells = memfd::Bell::create(set_up.peer.trust);
    if (!bells) return bells.status();
    return std::unique_ptr<Offer>(std::make_unique<MemfdOffer>(
        std::move(*memory), std::move(*mapping), set_up.ring_bytes, std::move(*bells)));
  }

  Result<std::unique_ptr<Lane>> join(const SetUp& set_up, std::uint64_t parameter,
                                     std::vector<UniqueFd> descriptors,
                                     UniqueFd& control) const override {
    if (!ring::ring_bytes_valid(parameter)) {
      return Status::invalid_argument(ring::bad_ring_bytes(name(), parameter));
    }
    if (descriptors.empty()) {
      return Status::invalid_argument("memfd: the server passed no memory");
    }
    const auto ring_bytes = static_cast<std::size_t>(parameter);
    const std::size_t bytes = ring::segment_bytes(ring_bytes);
    const UniqueFd memory = std::move(descriptors.front());
    descriptors.erase(descriptors.begin());
    if (Status status = memfd::check_sealed_memory(memory.get(), bytes); !status.ok()) {
      return status;
    }
    Result<memfd::Bell> bell = memfd::Bell::adopt(std::move(descriptors), set_up.peer.trust);
    if (!bell) return bell.status();
    Result<sys::SharedMapping> mapping = sys::SharedMapping::map(memory.get(), bytes, kWhat);
    if (!mapping) return mapping.status();
    return memfd::MemfdLane::create(std::move(*mapping), ring_bytes, ring::Side::kClient,
                                    std::move(*bell), control);
  }
};

}  // namespace

const Transport& memfd_transport() {
  static const MemfdTransport transport;
  return transport;
}

}  // namespace ferry::transports
