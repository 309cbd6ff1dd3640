#include "tests/cost/syscall_counter.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ferry::testing {

namespace {

// getpgid() of processes that cannot exist: pid_max is at most 2^22.
constexpr std::uint64_t kBegin = 0x70000001;
constexpr std::uint64_t kEnd = 0x70000002;

class Tracer {
 public:
  explicit Tracer(std::size_t children) : counts_(children, 0) {}

  // Stops the child until it is traced, so that no thread of it is missed.
  bool start(std::size_t index, const std::function<int()>& program) {
    const pid_t child = ::fork();
    if (child < 0) return false;
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::raise(SIGSTOP);
      ::_exit(program());
    }
    children_.push_back(child);
    owner_[child] = index;
    int status = 0;
    if (::waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status)) return false;
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    if (::ptrace(PTRACE_SEIZE, child, nullptr, options) != 0) return false;
    return ::kill(child, SIGCONT) == 0;
  }

  // Follows everybody until the last child has ended. Its exit code.
  int follow() {
    for (;;) {
      int status = 0;
      const pid_t thread = ::waitpid(-1, &status, __WALL);
      if (thread < 0) return -1;
      if (WIFEXITED(status) || WIFSIGNALED(status)) {
        if (thread == children_.back()) return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        continue;
      }
      resume(thread, stopped(thread, status));
    }
  }

  void kill_the_others() {
    for (const pid_t child : children_) {
      if (child != children_.back()) ::kill(child, SIGKILL);
    }
    while (::waitpid(-1, nullptr, __WALL) > 0 || errno == EINTR) {
    }
  }

  [[nodiscard]] const std::vector<std::uint64_t>& counts() const { return counts_; }

 private:
  // What the thread stopped for; the signal it is to get on resuming.
  int stopped(pid_t thread, int status) {
    const int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      on_system_call(thread);
      return 0;
    }
    const int event = status >> 16;
    if (event == PTRACE_EVENT_CLONE) {
      unsigned long created = 0;
      ::ptrace(PTRACE_GETEVENTMSG, thread, nullptr, &created);
      owner_[static_cast<pid_t>(created)] = owner_[thread];
      return 0;
    }
    return event != 0 ? 0 : signal;
  }

  void on_system_call(pid_t thread) {
    __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) return;
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return;
    if (info.entry.nr == SYS_getpgid && info.entry.args[0] == kBegin) {
      counting_ = true;
    } else if (info.entry.nr == SYS_getpgid && info.entry.args[0] == kEnd) {
      counting_ = false;
    } else if (counting_) {
      ++counts_[owner_[thread]];
    }
  }

  static void resume(pid_t thread, int signal) {
    ::ptrace(PTRACE_SYSCALL, thread, nullptr, static_cast<long>(signal));
  }

  std::vector<std::uint64_t> counts_;
  std::vector<pid_t> children_;
  std::map<pid_t, std::size_t> owner_;  // of each thread: which child
  bool counting_ = false;
};

}  // namespace

void begin_counting() { ::syscall(SYS_getpgid, kBegin); }
void end_counting() { ::syscall(SYS_getpgid, kEnd); }

std::optional<std::vector<std::uint64_t>> count_system_calls(
    const std::vector<std::function<int()>>& programs) {
  Tracer tracer(programs.size());
  for (std::size_t i = 0; i < programs.size(); ++i) {
    if (!tracer.start(i, programs[i])) return std::nullopt;
  }
  const int exit = tracer.follow();
  tracer.kill_the_others();
  if (exit != 0) return std::nullopt;
  return tracer.counts();
}

}  // namespace ferry::testing
