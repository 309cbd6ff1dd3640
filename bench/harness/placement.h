// Where the processes run.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace bench {

// The CPUs this process may use.
std::vector<int> usable_cpus();
// Lets this process, and what it starts from now on, use these CPUs only.
void pin_to(const std::vector<int>& cpus);
// Binds every thread that the process `pid` has now to one CPU.
void pin_threads(pid_t pid, int cpu);

}  // namespace bench
