// Children whose system calls are seen one by one, with ptrace(2).
#pragma once

#include <cstdint>
#include <functional>
#include <sys/types.h>

namespace ferry::testing {

// Forks a child that runs `program` once it and all threads it makes are traced; its result is its
// exit code. It ends with this thread, which alone may wait for it. -1: that cannot be done here.
[[nodiscard]] pid_t start_traced(const std::function<int()>& program);

// In the traced child: a system call that nothing else makes and that does nothing.
enum class Mark : std::uint8_t { kNone, kBegin, kEnd };
void make_mark(Mark mark);

// Of a traced thread that stopped with the wait status `status`.
struct Stop {
  bool entry = false;       // it is about to make a system call
  bool parks = false;       // which waits for events: epoll_wait(2)
  Mark mark = Mark::kNone;  // which is this mark
  pid_t created = 0;        // it has just made this thread
  int signal = 0;           // to be given on resuming
};
[[nodiscard]] Stop look_at_stop(pid_t thread, int status);

// Lets a stopped thread run up to where its next system call begins or ends.
void resume(pid_t thread, int signal);

// A traced child that is killed at one of its system calls. From one thread only.
class Victim {
 public:
  explicit Victim(const std::function<int()>& program) : pid_(start_traced(program)) {}
  ~Victim() { kill(); }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  [[nodiscard]] bool started() const { return pid_ > 0; }
  // kill -9 when it, in any thread, is about to make its `number`th system call after
  // Mark::kBegin. False when it ended before.
  bool kill_at(int number) { return follow(number, nullptr, -1); }
  // The same, counted from when it parks for the first time after the mark; `at_parked` is called
  // then. False also when the child `witness` ended, which is not waited for.
  bool kill_at(int number, const std::function<void()>& at_parked, pid_t witness) {
    return follow(number, &at_parked, witness);
  }

 private:
  bool follow(int number, const std::function<void()>* at_parked, pid_t witness);
  void kill();

  pid_t pid_;
};

}  // namespace ferry::testing
