// The smallest whole client: greeter_client --target=unix:/tmp/greeter.sock --name=world
#include <chrono>
#include <iostream>

#include <gflags/gflags.h>

#include <ferry/channel.h>

#include "examples/flags.h"
#include "greeter.capnp.ferry.h"

DEFINE_string(target, "auto:greeter", "where the server is, as unix:/run/greeter.sock");
DEFINE_string(name, "world", "whom to greet");
DEFINE_uint64(calls, 1, "how many times to call, at least 1");

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  examples::parse_flags(argc, argv, "Has a greeter_server greet somebody.",
                        {"greeter_client --target=unix:/tmp/greeter.sock --name=world",
                         "greeter_client --target=auto:/tmp/greeter.sock --calls=10000"});
  if (FLAGS_calls == 0) return examples::usage_error("--calls=0: at least one call");
  auto channel = ferry::Channel::connect(FLAGS_target);
  if (!channel) return ferry::exit_code(channel.status());  // "UNAVAILABLE: nobody listens on ..."
  ferry::Stub<demo::Greeter> greeter(*channel);
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t call = 1; call <= FLAGS_calls; ++call) {
    auto reply = greeter.hello({.name = FLAGS_name}, {.deadline = 5s});
    if (!reply) return ferry::exit_code(reply.status());
    if (call == FLAGS_calls) std::cout << reply->greeting << "\n";
  }
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  std::cout << "transport=" << channel->transport() << "\n"
            << "calls=" << FLAGS_calls
            << " us_per_call=" << took.count() / static_cast<double>(FLAGS_calls) << "\n";
}
