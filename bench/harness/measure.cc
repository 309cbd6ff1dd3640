#include "bench/harness/measure.h"

#include <algorithm>
#include <limits>
#include <unistd.h>

#include "bench/harness/clock.h"
#include "bench/harness/payload.h"
#include "bench/harness/placement.h"

namespace bench {
namespace {

constexpr std::uint64_t kWarmUp = 40'000'000;  // ns; enough for 1 MiB buffers to be faulted in
constexpr int kWarmUpCalls = 5;

void work(std::uint64_t turns) {
  for (std::uint64_t i = 0; i < turns; ++i) asm volatile("" : : "r"(i) : "memory");
}

}  // namespace

double turns_per_microsecond() {
  constexpr std::uint64_t kTurns = 1'000'000;
  auto best = std::numeric_limits<std::uint64_t>::max();
  for (int attempt = 0; attempt < 20; ++attempt) {
    const std::uint64_t start = now_ns();
    work(kTurns);
    best = std::min(best, now_ns() - start);
  }
  return static_cast<double>(kTurns) * 1000.0 /
         static_cast<double>(std::max<std::uint64_t>(best, 1));
}

void run_client(const Setup& setup, const Load& load, double turns_per_us, Caller& caller,
                pid_t server, Shared& shared, ClientResult& result) {
  Payload payload(setup.size);
  const auto turns = static_cast<std::uint64_t>(load.work_us * turns_per_us);
  const auto call = [&] { caller.call(payload); };

  const std::uint64_t begun = now_ns();
  for (int calls = 0; calls < kWarmUpCalls || now_ns() - begun < kWarmUp; ++calls) call();
  shared.warm.fetch_add(1);
  while (shared.warm.load() < load.clients) {
    work(turns);
    call();
  }
  if (load.client_cpu >= 0) {
    pin_threads(getpid(), load.client_cpu);
    pin_threads(server, load.server_cpu);
    const std::uint64_t bound = now_ns();
    while (now_ns() - bound < kWarmUp) call();
  }

  const std::uint64_t own_cpu = cpu_ns(0);
  const std::uint64_t server_cpu = cpu_ns(server);
  const std::uint64_t start = now_ns();
  const std::uint64_t end = start + static_cast<std::uint64_t>(load.seconds * 1e9);
  std::uint64_t before = start;
  std::uint64_t after = start;
  do {
    if (turns > 0) {
      work(turns);
      before = now_ns();
    }
    call();
    after = now_ns();
    result.latency.add(after - before);
    before = after;
  } while (after < end);
  result.elapsed_ns = after - start;
  result.client_cpu_ns = cpu_ns(0) - own_cpu;
  result.server_cpu_ns = cpu_ns(server) - server_cpu;
}

}  // namespace bench
