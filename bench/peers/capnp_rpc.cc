// Cap'n Proto RPC over a local socket, both ends on its own event loop.

#include <capnp/ez-rpc.h>
#include <capnp/message.h>

#include "bench.capnp.h"
#include "bench/harness/contestant.h"

namespace bench {
namespace {

class EchoServer final : public Echo::Server {
  kj::Promise<void> echo(EchoContext context) override {
    const auto data = context.getParams().getData();
    context.getResults(capnp::MessageSize{data.size() / sizeof(capnp::word) + 16, 0}).setData(data);
    return kj::READY_NOW;
  }
};

class CapnpCaller final : public Caller {
 public:
  explicit CapnpCaller(const std::string& address)
      : client_(address), echo_(client_.getMain<Echo>()) {}
  ~CapnpCaller() noexcept override = default;
  void call(Payload& payload) override {
    const std::span<const std::byte> request = payload.next();
    auto call = echo_.echoRequest(capnp::MessageSize{request.size() / sizeof(capnp::word) + 16, 0});
    call.setData(kj::arrayPtr(reinterpret_cast<const kj::byte*>(request.data()), request.size()));
    const auto reply = call.send().wait(client_.getWaitScope());
    const auto data = reply.getData();
    payload.check(std::as_bytes(std::span(data.begin(), data.size())));
  }

 private:
  capnp::EzRpcClient client_;
  Echo::Client echo_;
};

class CapnpRpc final : public Contestant {
 public:
  explicit CapnpRpc(const Setup& setup) : address_("unix:" + setup.directory + "/s") {}
  void serve(const std::function<void()>& ready) override {
    capnp::EzRpcServer server(kj::heap<EchoServer>(), address_);
    server.getPort().wait(server.getWaitScope());
    ready();
    kj::NEVER_DONE.wait(server.getWaitScope());
  }
  std::unique_ptr<Caller> connect() override { return std::make_unique<CapnpCaller>(address_); }
  [[nodiscard]] int clients() const override { return 8; }

 private:
  std::string address_;
};

}  // namespace

std::unique_ptr<Contestant> make_contestant(const Setup& setup) {
  if (setup.name != "capnp-rpc") return nullptr;
  return std::make_unique<CapnpRpc>(setup);
}

}  // namespace bench
