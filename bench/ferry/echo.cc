// ferry's own rows: the same client and server over every lane, in message form.
#include <iostream>
#include <memory>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "bench.capnp.ferry.h"
#include "bench/harness/contestant.h"

namespace bench {
namespace {

class EchoService final : public ferry::Service<Echo> {
  ferry::Status echo(ferry::ServerContext&, ferry::MessageReader<Echo::EchoParams> request,
                     ferry::MessageBuilder<Echo::EchoResults>& reply) override {
    reply->setData(request->getData());
    return {};
  }
};

class FerryCaller final : public Caller {
 public:
  explicit FerryCaller(ferry::Channel channel) : channel_(std::move(channel)), echo_(channel_) {}
  void call(Payload& payload) override {
    const std::span<const std::byte> request = payload.next();
    ferry::MessageBuilder<Echo::EchoParams> message;
    message->setData(
        kj::arrayPtr(reinterpret_cast<const kj::byte*>(request.data()), request.size()));
    const auto reply = echo_.echo(message);
    require(reply.ok(), reply.status().to_string());
    const auto data = (*reply)->getData();
    payload.check(std::as_bytes(std::span(data.begin(), data.size())));
  }

 private:
  ferry::Channel channel_;
  ferry::Stub<Echo> echo_;
};

class FerryLane final : public Contestant {
 public:
  explicit FerryLane(const Setup& setup)
      : setup_(setup), target_(setup.name + ":" + setup.directory + "/s") {}

  void serve(const std::function<void()>& ready) override {
    EchoService service;
    ferry::ServerOptions options;
    options.spin = spin();
    ferry::Server server(std::move(options));
    server.add(service,
               {.executor = setup_.pool ? ferry::Executor::kPool : ferry::Executor::kInline});
    check(server.listen(target_));
    check(server.start());
    ready();
    check(server.wait());
  }

  std::unique_ptr<Caller> connect() override {
    auto channel = ferry::Channel::connect(target_, {.spin = spin()});
    check(channel.status());
    require(channel->transport() == setup_.name, "not over the lane that was asked for");
    return std::make_unique<FerryCaller>(std::move(*channel));
  }
  [[nodiscard]] int clients() const override { return 4; }

 private:
  [[nodiscard]] ferry::Spin spin() const {
    return setup_.spin ? ferry::Spin::kAdaptive : ferry::Spin::kOff;
  }
  static void check(const ferry::Status& status) { require(status.ok(), status.to_string()); }

  Setup setup_;
  std::string target_;
};

}  // namespace

std::unique_ptr<Contestant> make_contestant(const Setup& setup) {
  return std::make_unique<FerryLane>(setup);
}

}  // namespace bench
