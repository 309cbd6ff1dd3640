// gRPC over a local socket: the synchronous client and server, its simplest and, for one caller,
// its fastest unary pair.
#include <grpcpp/grpcpp.h>

#include "bench.grpc.pb.h"
#include "bench/harness/contestant.h"

namespace bench {
namespace {

class EchoServer final : public bench_grpc::Echo::Service {
  grpc::Status Call(grpc::ServerContext*, const bench_grpc::Message* request,
                    bench_grpc::Message* reply) override {
    reply->set_data(request->data());
    return grpc::Status::OK;
  }
};

class GrpcCaller final : public Caller {
 public:
  explicit GrpcCaller(const std::string& address)
      : stub_(bench_grpc::Echo::NewStub(
            grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {}
  void call(Payload& payload) override {
    const std::span<const std::byte> request = payload.next();
    grpc::ClientContext context;
    request_.set_data(request.data(), request.size());
    const grpc::Status status = stub_->Call(&context, request_, &reply_);
    require(status.ok(), status.error_message());
    payload.check(std::as_bytes(std::span(reply_.data())));
  }

 private:
  std::unique_ptr<bench_grpc::Echo::Stub> stub_;
  bench_grpc::Message request_;
  bench_grpc::Message reply_;
};

class GrpcSync final : public Contestant {
 public:
  explicit GrpcSync(const Setup& setup) : address_("unix:" + setup.directory + "/s") {}
  void serve(const std::function<void()>& ready) override {
    EchoServer echo;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    builder.RegisterService(&echo);
    auto server = builder.BuildAndStart();
    require(server != nullptr, "gRPC did not start");
    ready();
    server->Wait();
  }
  std::unique_ptr<Caller> connect() override { return std::make_unique<GrpcCaller>(address_); }
  [[nodiscard]] int clients() const override { return 8; }

 private:
  std::string address_;
};

}  // namespace

std::unique_ptr<Contestant> make_contestant(const Setup& setup) {
  if (setup.name != "grpc") return nullptr;
  return std::make_unique<GrpcSync>(setup);
}

}  // namespace bench
