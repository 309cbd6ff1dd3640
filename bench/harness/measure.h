// The measured loop of one client, and what comes out of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <sys/types.h>

#include "bench/harness/contestant.h"
#include "bench/harness/histogram.h"

namespace bench {

inline constexpr int kMostClients = 8;

// Written by one client process.
struct ClientResult {
  Histogram latency;
  std::uint64_t elapsed_ns = 0;
  std::uint64_t client_cpu_ns = 0;
  std::uint64_t server_cpu_ns = 0;
};

// In memory that all processes of a run share.
struct Shared {
  std::atomic<int> warm{0};  // clients that may begin
  ClientResult clients[kMostClients];
};

struct Load {
  int clients = 1;
  double seconds = 0.2;
  double work_us = 0;  // computing between two calls, not counted as latency
  // Where the two processes are bound to once they are warm; -1: nowhere. Not from the start: what
  // may use one CPU only when it looks never spins.
  int client_cpu = -1;
  int server_cpu = -1;
};

// Turns of work() that take a microsecond on an idle CPU. In turns and not in time, because a
// client that was preempted still has its work to do.
double turns_per_microsecond();

// Calls until warm, waits (calling) until all clients are, then measures. Ends the process when a
// reply is wrong.
void run_client(const Setup& setup, const Load& load, double turns_per_us, Caller& caller,
                pid_t server, Shared& shared, ClientResult& result);

}  // namespace bench
