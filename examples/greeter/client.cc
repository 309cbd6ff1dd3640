// The smallest whole client: greeter_client --target=unix:/tmp/greeter.sock --name=world
#include <chrono>
#include <iostream>

#include <gflags/gflags.h>

#include <ferry/channel.h>

#include "greeter.capnp.ferry.h"

DEFINE_string(target, "auto:greeter", "where the server is, as unix:/run/greeter.sock");
DEFINE_string(name, "world", "whom to greet");
DEFINE_uint64(calls, 1, "how many times to call");

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  auto channel = ferry::Channel::connect(FLAGS_target);
  if (!channel) return ferry::exit_code(channel.status());  // "UNAVAILABLE: nobody listens on ..."
  ferry::Stub<demo::Greeter> greeter(*channel);
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t call = 1; call <= FLAGS_calls; ++call) {
    auto reply = greeter.hello({.name = FLAGS_name}, {.deadline = 250ms});
    if (!reply) return ferry::exit_code(reply.status());
    if (call == FLAGS_calls) std::cout << reply->greeting << "\n";
  }
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  std::cout << "transport=" << channel->transport() << "\n"
            << "calls=" << FLAGS_calls
            << " us_per_call=" << took.count() / static_cast<double>(FLAGS_calls) << "\n";
}
