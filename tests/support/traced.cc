#include "tests/support/traced.h"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ferry::testing {

namespace {

// getpgid() of processes that cannot exist: pid_max is at most 2^22.
constexpr std::uint64_t kMarks = 0x70000000;

}  // namespace

pid_t start_traced(const std::function<int()>& program) {
  const pid_t child = ::fork();
  if (child < 0) return -1;
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::raise(SIGSTOP);  // until it is traced, so that no thread of it is missed
    ::_exit(program());
  }
  constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
  int status = 0;
  if (::waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) &&
      ::ptrace(PTRACE_SEIZE, child, nullptr, kOptions) == 0 && ::kill(child, SIGCONT) == 0) {
    return child;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return -1;
}

void make_mark(Mark mark) { ::syscall(SYS_getpgid, kMarks + static_cast<std::uint64_t>(mark)); }

Stop look_at_stop(pid_t thread, int status) {
  Stop stop;
  const int event = status >> 16;
  if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
    __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) return stop;
    stop.entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
    stop.parks =
        stop.entry && (info.entry.nr == SYS_epoll_wait || info.entry.nr == SYS_epoll_pwait);
    if (stop.entry && info.entry.nr == SYS_getpgid && info.entry.args[0] > kMarks) {
      stop.mark = static_cast<Mark>(info.entry.args[0] - kMarks);
    }
  } else if (event == PTRACE_EVENT_CLONE) {
    unsigned long created = 0;
    ::ptrace(PTRACE_GETEVENTMSG, thread, nullptr, &created);
    stop.created = static_cast<pid_t>(created);
  } else if (event == 0) {
    stop.signal = WSTOPSIG(status);
  }
  return stop;
}

void resume(pid_t thread, int signal) {
  ::ptrace(PTRACE_SYSCALL, thread, nullptr, static_cast<long>(signal));
}

bool Victim::follow(int number, const std::function<void()>* at_parked, pid_t witness) {
  int made = 0;
  bool marked = false;
  bool counts = false;
  while (pid_ > 0) {
    siginfo_t next{};
    if (::waitid(P_ALL, 0, &next, WEXITED | WSTOPPED | __WALL | WNOWAIT) != 0) {
      if (errno == EINTR) continue;
      return false;
    }
    const pid_t thread = next.si_pid;
    if (thread == witness) return false;
    int status = 0;
    ::waitpid(thread, &status, __WALL);
    if (!WIFSTOPPED(status)) {
      if (thread == pid_) pid_ = -1;
      continue;
    }
    const Stop stop = look_at_stop(thread, status);
    if (stop.mark == Mark::kBegin) {
      marked = true;
      counts = at_parked == nullptr;
    } else if (stop.parks && marked && !counts) {
      counts = true;
      (*at_parked)();
    } else if (stop.entry && counts && ++made == number) {
      kill();
      return true;
    }
    resume(thread, stop.signal);
  }
  return false;
}

void Victim::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  // Its first thread is reported when all others have been waited for (ptrace(2)).
  const std::string tasks = "/proc/" + std::to_string(pid_) + "/task";
  int status = 0;
  for (;;) {
    const pid_t gone = ::waitpid(pid_, &status, __WALL | WNOHANG);
    if (gone < 0 || (gone == pid_ && !WIFSTOPPED(status))) break;
    std::error_code ignored;
    for (const auto& task : std::filesystem::directory_iterator(tasks, ignored)) {
      const pid_t thread = std::stoi(task.path().filename());
      if (thread != pid_) ::waitpid(thread, nullptr, __WALL | WNOHANG);
    }
  }
  pid_ = -1;
}

}  // namespace ferry::testing
