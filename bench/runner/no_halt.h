// NoHalt: while one lives, CPUs 0 and 1 of those we may use have an idle-priority loop to run, so
// that they never halt. Waking a halted CPU of a virtual machine costs more than any library: only
// without it do figures of parked waits on two CPUs say something about the library.
#pragma once

#include <sys/types.h>
#include <vector>

namespace bench {

class NoHalt {
 public:
  NoHalt();
  ~NoHalt();
  NoHalt(const NoHalt&) = delete;
  NoHalt& operator=(const NoHalt&) = delete;

 private:
  std::vector<pid_t> loops_;
};

}  // namespace bench
