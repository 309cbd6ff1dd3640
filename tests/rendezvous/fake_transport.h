// A transport that does what a test tells it, and a lane that only holds its socket.
#pragma once

#include <memory>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "transports/transport.h"

namespace ferry::transports::testing {

class FakeLane final : public Lane {
 public:
  FakeLane(std::string_view name, UniqueFd control) : name_(name), control_(std::move(control)) {}
  std::string_view transport() const noexcept override { return name_; }
  WaitMode wait_mode() const noexcept override { return WaitMode::kDescriptor; }
  IoResult write(std::span<const iovec>, std::span<const int>) override { return {}; }
  IoResult wait_writable(TimePoint) override { return {}; }
  IoResult read(std::span<std::byte>) override { return {}; }
  IoResult read_parked(std::span<std::byte>, TimePoint) override { return {}; }
  Status take_descriptors(std::size_t, std::vector<UniqueFd>&) override { return {}; }
  PollSet poll_set() const noexcept override { return {control_.get(), -1, -1}; }
  IoResult on_control_readable() override { return {}; }
  void interrupt() noexcept override {}
  void hang_up() noexcept override {}
  Status failure() const override { return {}; }

 private:
  std::string_view name_;
  UniqueFd control_;
};

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(std::string name) : name_(std::move(name)) {}

  // What a test may set.
  WaitMode mode = WaitMode::kDescriptor;
  Status permit;    // what permits() says
  Status offered;   // what offer() fails with
  Status accepted;  // what accept() fails with
  std::size_t descriptors = 0;
  // What a test may look at.
  mutable Peer last_peer;
  mutable int offers_alive = 0;

  std::string_view name() const noexcept override { return name_; }
  WaitMode wait_mode() const noexcept override { return mode; }
  Status permits(const Peer&) const override { return permit; }
  Result<std::unique_ptr<Offer>> offer(const SetUp& set_up) const override {
    last_peer = set_up.peer;
    if (!offered.ok()) return offered;
    return std::unique_ptr<Offer>(std::make_unique<FakeOffer>(*this));
  }
  Result<std::unique_ptr<Lane>> join(const SetUp&, std::uint64_t, std::vector<UniqueFd>,
                                     UniqueFd& control) const override {
    return std::unique_ptr<Lane>(std::make_unique<FakeLane>(name_, std::move(control)));
  }

 private:
  class FakeOffer final : public Offer {
   public:
    explicit FakeOffer(const FakeTransport& owner) : owner_(owner) {
      ++owner_.offers_alive;
      for (std::size_t i = 0; i < owner.descriptors; ++i) files_.emplace_back(::dup(0));
    }
    ~FakeOffer() override { --owner_.offers_alive; }
    std::vector<int> descriptors() const override {
      std::vector<int> all;
      for (const UniqueFd& one : files_) all.push_back(one.get());
      return all;
    }
    std::uint64_t parameter() const noexcept override { return 77; }
    Result<std::unique_ptr<Lane>> accept(UniqueFd control) override {
      if (!owner_.accepted.ok()) return owner_.accepted;
      return std::unique_ptr<Lane>(std::make_unique<FakeLane>(owner_.name_, std::move(control)));
    }

   private:
    const FakeTransport& owner_;
    std::vector<UniqueFd> files_;
  };

  std::string name_;
};

}  // namespace ferry::transports::testing
