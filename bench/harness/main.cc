// One measurement: forks a server process and its clients, prints one line of NAME=VALUE words.
// The line is read by `bench_run`; by hand it is useful under perf.
#include <cstdlib>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gflags/gflags.h>

#include "bench/harness/contestant.h"
#include "bench/harness/measure.h"
#include "bench/harness/placement.h"
#include "tools/flags.h"

DEFINE_string(contestant, "unix", "what is measured");
DEFINE_uint64(size, 64, "bytes of a request and of its reply, at least 16");
DEFINE_double(seconds, 0.2, "how long to measure");
DEFINE_string(placement, "", "one-cpu or two-cpu; empty: processes are not bound to CPUs");
DEFINE_bool(spin, false, "waits poll before they park");
DEFINE_bool(pool, false, "the handler runs on the worker pool");
DEFINE_int32(clients, 1, "client processes");
DEFINE_double(work_us, 0, "microseconds a client computes between two calls");

namespace bench {
namespace {

constexpr const char* kUsage =
    R"(Measures one contestant: forks a server and its clients, prints one line of NAME=VALUE words.
bench_run reads that line; by hand it is useful under perf.

  bench_ferry --contestant=memfd --size=64 --placement=one-cpu
  bench_floors --contestant=unix --size=1024 --placement=two-cpu --spin

Contestants: a lane (unix, fifo, mq, shm, memfd) of bench_ferry, the same raw of bench_floors;
capnp-rpc of bench_capnp; grpc of bench_grpc.)";

constexpr double kPatience = 30;  // seconds beyond --seconds until a run counts as hung

// Children die with us, however we end.
pid_t fork_child() {
  const pid_t parent = getpid();
  const pid_t child = fork();
  require_call(child, "fork");
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(3);
  return 0;
}

// The CPUs that the processes of this run may use.
std::vector<int> cpus_for(const std::string& placement) {
  std::vector<int> cpus = usable_cpus();
  require(placement == "one-cpu" || placement == "two-cpu", "--placement: one-cpu or two-cpu");
  const std::size_t wanted = placement == "one-cpu" ? 1 : 2;
  require(cpus.size() >= wanted, "there are not that many CPUs to use");
  cpus.resize(wanted);
  return cpus;
}

pid_t start_server(Contestant& contestant) {
  int ends[2];
  require_call(pipe(ends), "pipe");
  const pid_t server = fork_child();
  if (server == 0) {
    close(ends[0]);
    contestant.serve([&] {
      require(write(ends[1], "", 1) == 1, "the client went away");
      close(ends[1]);
    });
    _exit(0);
  }
  close(ends[1]);
  char ready = 0;
  require(read(ends[0], &ready, 1) == 1, "the server did not start");
  close(ends[0]);
  return server;
}

// What await_clients() takes in: a child's end, and being told to stop, which must leave nothing
// behind.
sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&signals, signal);
  return signals;
}

// Waits until all of `clients` have ended well. False: one failed, or time ran out.
bool await_clients(std::vector<pid_t> clients, pid_t server) {
  const sigset_t signals = awaited_signals();
  const auto patience = static_cast<time_t>(FLAGS_seconds + kPatience);
  while (!clients.empty()) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended == 0) {
      const timespec wait{.tv_sec = patience, .tv_nsec = 0};
      const int signal = sigtimedwait(&signals, nullptr, &wait);
      if (signal == SIGTERM || signal == SIGINT) return false;
      if (signal < 0 && errno == EAGAIN) {
        std::cerr << "bench: hung\n";
        return false;
      }
      continue;
    }
    if (ended == server || ended < 0 || status != 0) {
      std::cerr << "bench: " << (ended == server ? "the server" : "a client") << " failed\n";
      return false;
    }
    std::erase(clients, ended);
  }
  return true;
}

void print(const Shared& shared) {
  Histogram latency;
  double elapsed_ns = 0;
  double cpu_ns = 0;
  double calls_per_second = 0;
  for (int i = 0; i < FLAGS_clients; ++i) {
    const ClientResult& client = shared.clients[i];
    latency.add(client.latency);
    elapsed_ns += static_cast<double>(client.elapsed_ns);
    cpu_ns += static_cast<double>(client.client_cpu_ns);
    calls_per_second +=
        static_cast<double>(client.latency.count()) * 1e9 / static_cast<double>(client.elapsed_ns);
  }
  // Every client saw the server's clock over about the same time: one is enough.
  cpu_ns += static_cast<double>(shared.clients[0].server_cpu_ns);
  const auto calls = static_cast<double>(latency.count());
  std::cout << std::fixed << std::setprecision(4) << "p50_us=" << latency.quantile(0.5) / 1000
            << " p99_us=" << latency.quantile(0.99) / 1000 << " calls_per_s=" << calls_per_second
            << " cpu_us=" << cpu_ns / calls / 1000 << " calls=" << latency.count() << std::endl;
}

bool measure(const Setup& setup) {
  auto contestant = make_contestant(setup);
  require(contestant != nullptr, "no contestant called " + setup.name);
  require(FLAGS_clients >= 1 && FLAGS_clients <= std::min(kMostClients, contestant->clients()),
          "this contestant can't serve that many clients");
  Load load{.clients = FLAGS_clients, .seconds = FLAGS_seconds, .work_us = FLAGS_work_us};
  if (!FLAGS_placement.empty()) {
    const std::vector<int> cpus = cpus_for(FLAGS_placement);
    pin_to(cpus);
    if (cpus.size() == 2 && load.clients == 1) {
      load.client_cpu = cpus[0];
      load.server_cpu = cpus[1];
    }
  }
  const double turns = load.work_us > 0 ? turns_per_microsecond() : 0;

  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  auto* shared = new (memory) Shared;

  contestant->prepare();
  const pid_t server = start_server(*contestant);
  std::vector<pid_t> clients;
  for (int i = 0; i < load.clients; ++i) {
    const pid_t client = fork_child();
    if (client == 0) {
      auto caller = contestant->connect();
      run_client(setup, load, turns, *caller, server, *shared, shared->clients[i]);
      _exit(0);  // taking libraries down is not measured
    }
    clients.push_back(client);
  }
  const bool fine = await_clients(clients, server);
  for (const pid_t client : clients) {
    if (!fine) kill(client, SIGKILL);
  }
  kill(server, SIGKILL);
  while (waitpid(-1, nullptr, 0) > 0) {
  }
  if (fine) print(*shared);
  munmap(memory, sizeof(Shared));
  return fine;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  ferry::tools::parse_flags(argc, argv, bench::kUsage);
  // Before the first fork, so that no end of a child is missed.
  const sigset_t signals = bench::awaited_signals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);

  std::string directory = (std::filesystem::temp_directory_path() / "ferry-bench-XXXXXX").string();
  bench::require(mkdtemp(directory.data()) != nullptr, "mkdtemp");
  const bench::Setup setup{.name = FLAGS_contestant,
                           .size = FLAGS_size,
                           .spin = FLAGS_spin,
                           .pool = FLAGS_pool,
                           .directory = directory};
  const bool fine = bench::measure(setup);
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return fine ? 0 : 1;
}
