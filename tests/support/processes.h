// Processes of a test's own, and places for their sockets. Ended by their own ids, never left
// behind.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <sys/types.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace ferry::testing {

// A directory for one test's files, removed with everything in it.
class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string socket() const { return path_ + "/s.sock"; }

 private:
  std::string path_;
};

// A forked child that runs `program`; its result is its exit code. Ends with its parent. Fork
// before the test starts threads.
class Process {
 public:
  explicit Process(const std::function<int()>& program);
  ~Process();  // kill -9, if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  // kill -9, and waits until it is gone.
  void kill();
  // Waits for its end: its exit code, or -1 when a signal ended it.
  int wait();

 private:
  pid_t pid_ = -1;
};

// Polls `condition` until it holds (true) or `limit` is over.
template <typename Condition>
bool eventually(Condition&& condition,
                std::chrono::milliseconds limit = std::chrono::milliseconds(10000)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// What a process has open: this one, or `pid`.
[[nodiscard]] std::size_t open_descriptors(pid_t pid = ::getpid());
// The names in `directory`, sorted.
[[nodiscard]] std::vector<std::string> names_in(const std::string& directory);

}  // namespace ferry::testing
