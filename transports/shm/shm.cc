#include "transports/shm/shm.h"

#include <string>
#include <unistd.h>
#include <utility>

#include "transports/ring/layout.h"
#include "transports/shm/segment.h"
#include "transports/shm/semaphores.h"
#include "transports/shm/shm_lane.h"
#include "transports/sys/shared_mapping.h"

namespace ferry::transports {

namespace {

constexpr std::string_view kWhat = "a shm lane's memory";

// Passed to the client: the memory.
class ShmOffer final : public Offer {
 public:
  ShmOffer(UniqueFd segment, sys::SharedMapping mapping, std::size_t ring_bytes)
      : segment_(std::move(segment)), mapping_(std::move(mapping)), ring_bytes_(ring_bytes) {}

  std::vector<int> descriptors() const override { return {segment_.get()}; }
  std::uint64_t parameter() const noexcept override { return ring_bytes_; }
  Result<std::unique_ptr<Lane>> accept(UniqueFd control) override {
    return shm::ShmLane::create(std::move(mapping_), ring_bytes_, ring::Side::kServer, control);
  }

 private:
  UniqueFd segment_;
  sys::SharedMapping mapping_;
  std::size_t ring_bytes_;
};

class ShmTransport final : public Transport {
 public:
  std::string_view name() const noexcept override { return "shm"; }
  WaitMode wait_mode() const noexcept override { return WaitMode::kThread; }

  Status permits(const Peer& peer) const override {
    constexpr std::string_view kReason =
        "whoever can write a POSIX semaphore can abort the process that waits on it; use memfd";
    if (peer.uid != ::geteuid()) {
      return Status::permission_denied("shm: the peer runs as uid " + std::to_string(peer.uid) +
                                       ", this process as uid " + std::to_string(::geteuid()) +
                                       ": " + std::string(kReason));
    }
    if (peer.trust == Trust::kHostile) {
      return Status::permission_denied("shm: the peer may be hostile: " + std::string(kReason));
    }
    return {};
  }

  Result<std::unique_ptr<Offer>> offer(const SetUp& set_up) const override {
    if (Status status = permits(set_up.peer); !status.ok()) return status;
    if (!ring::ring_bytes_valid(set_up.ring_bytes)) {
      return Status::invalid_argument(ring::bad_ring_bytes(name(), set_up.ring_bytes));
    }
    const std::size_t bytes = ring::segment_bytes(set_up.ring_bytes);
    Result<UniqueFd> segment = shm::make_segment(bytes);
    if (!segment) return segment.status();
    Result<sys::SharedMapping> mapping = sys::SharedMapping::map(segment->get(), bytes, kWhat);
    if (!mapping) return mapping.status();
    ring::construct(mapping->get());
    shm::construct_bells(
        *ring::View(mapping->get(), set_up.ring_bytes, ring::Side::kServer).control);
    return std::unique_ptr<Offer>(
        std::make_unique<ShmOffer>(std::move(*segment), std::move(*mapping), set_up.ring_bytes));
  }

  Result<std::unique_ptr<Lane>> join(const SetUp& set_up, std::uint64_t parameter,
                                     std::vector<UniqueFd> descriptors,
                                     UniqueFd& control) const override {
    if (Status status = permits(set_up.peer); !status.ok()) return status;
    if (!ring::ring_bytes_valid(parameter)) {
      return Status::invalid_argument(ring::bad_ring_bytes(name(), parameter));
    }
    if (descriptors.size() != 1) {
      return Status::invalid_argument("shm: the server passed " +
                                      std::to_string(descriptors.size()) +
                                      " descriptors; 1 was expected");
    }
    const auto ring_bytes = static_cast<std::size_t>(parameter);
    const std::size_t bytes = ring::segment_bytes(ring_bytes);
    if (Status status = shm::check_segment(descriptors[0].get(), bytes); !status.ok()) {
      return status;
    }
    Result<sys::SharedMapping> mapping =
        sys::SharedMapping::map(descriptors[0].get(), bytes, kWhat);
    if (!mapping) return mapping.status();
    return shm::ShmLane::create(std::move(*mapping), ring_bytes, ring::Side::kClient, control);
  }
};

}  // namespace

const Transport& shm_transport() {
  static const ShmTransport transport;
  return transport;
}

}  // namespace ferry::transports
