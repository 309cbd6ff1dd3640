#include "bench/runner/no_halt.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/harness/contestant.h"
#include "bench/harness/placement.h"

namespace bench {
namespace {

constexpr std::size_t kCpus = 2;

[[noreturn]] void burn(int cpu) {
  pin_to({cpu});
  const sched_param parameters{};
  require_call(sched_setscheduler(0, SCHED_IDLE, &parameters), "sched_setscheduler(SCHED_IDLE)");
  for (;;) asm volatile("");
}

}  // namespace

NoHalt::NoHalt() {
  const std::vector<int> cpus = usable_cpus();
  const pid_t parent = getpid();
  for (std::size_t i = 0; i < cpus.size() && i < kCpus; ++i) {
    const pid_t loop = fork();
    require_call(loop, "fork");
    if (loop == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(3);
      burn(cpus[i]);
    }
    loops_.push_back(loop);
  }
}

NoHalt::~NoHalt() {
  for (const pid_t loop : loops_) {
    kill(loop, SIGKILL);
    waitpid(loop, nullptr, 0);
  }
}

}  // namespace bench
