#include "bench/harness/placement.h"

#include <filesystem>
#include <sched.h>

#include "bench/harness/contestant.h"

namespace bench {

std::vector<int> usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  require_call(sched_getaffinity(0, sizeof(set), &set), "sched_getaffinity");
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void pin_threads(pid_t pid, int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    const auto thread = static_cast<pid_t>(std::stol(task.path().filename().string()));
    require_call(sched_setaffinity(thread, sizeof(set), &set), "sched_setaffinity");
  }
}

void pin_to(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  require_call(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

}  // namespace bench
