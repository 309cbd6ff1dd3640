#include "tests/cost/syscall_counter.h"

#include <cerrno>
#include <csignal>
#include <sys/wait.h>

#include "tests/support/traced.h"

namespace ferry::testing {

namespace {

class Tracer {
 public:
  explicit Tracer(std::size_t children) : counts_(children, 0) {}

  bool start(std::size_t index, const std::function<int()>& program) {
    const pid_t child = start_traced(program);
    if (child < 0) return false;
    children_.push_back(child);
    owner_[child] = index;
    return true;
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
      const Stop stop = look_at_stop(thread, status);
      count(thread, stop);
      resume(thread, stop.signal);
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
  void count(pid_t thread, const Stop& stop) {
    if (stop.created != 0) owner_[stop.created] = owner_[thread];
    if (stop.mark != Mark::kNone) {
      counting_ = stop.mark == Mark::kBegin;
    } else if (stop.entry && counting_) {
      ++counts_[owner_[thread]];
    }
  }

  std::vector<std::uint64_t> counts_;
  std::vector<pid_t> children_;
  std::map<pid_t, std::size_t> owner_;  // of each thread: which child
  bool counting_ = false;
};

}  // namespace

void begin_counting() { make_mark(Mark::kBegin); }
void end_counting() { make_mark(Mark::kEnd); }

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
