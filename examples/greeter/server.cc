// The smallest whole server: greeter_server --listen=unix:/tmp/greeter.sock
#include <gflags/gflags.h>

#include <ferry/server.h>

#include "examples/flags.h"
#include "greeter.capnp.ferry.h"

DEFINE_string(listen, "auto:greeter", "target to listen at, as unix:/run/greeter.sock");
DEFINE_string(allow, "", "transports to offer, as unix,mq; empty: all that the target permits");

namespace {

class Greeter final : public ferry::Service<demo::Greeter> {
  ferry::Result<HelloReply> hello(ferry::ServerContext&, HelloParams in) override {
    if (in.name.empty()) return ferry::Status::invalid_argument("name is empty");
    return HelloReply{.greeting = "Hello " + std::string(in.name)};
  }
};

}  // namespace

int main(int argc, char** argv) {
  examples::parse_flags(argc, argv, "Greets whoever calls.",
                        {"greeter_server --listen=unix:/tmp/greeter.sock",
                         "greeter_server --listen=auto:/tmp/greeter.sock --allow=memfd,unix"});
  Greeter greeter;
  ferry::Server server({.allow = FLAGS_allow});
  server.add(greeter);
  return ferry::exit_code(server.run(FLAGS_listen));  // until SIGTERM or SIGINT, then drains
}
