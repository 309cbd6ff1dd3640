// What the tests of the rendezvous share: places, children, and a look at our own descriptors.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <sys/types.h>

#include <ferry/unique_fd.h>

namespace ferry::transports::testing {

// A directory of the test's own (mode 0755), removed with everything in it.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  [[nodiscard]] std::string operator/(const std::string& file) const { return path_ + "/" + file; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A child made by fork() that runs `body` and ends; killed and reaped with the object at the
// latest.
class Child {
 public:
  // `body` writes its report to the descriptor it gets, and waits for the other's end-of-file where
  // it must stay alive until release().
  explicit Child(const std::function<void(int report, int until)>& body);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // The next line of the report; empty when the child is gone.
  std::string line();
  void release() { until_.reset(); }
  void kill();  // SIGKILL, and waits
  int wait();   // the wait status

 private:
  pid_t pid_ = -1;
  UniqueFd report_;
  UniqueFd until_;
};

// For a Child's body.
void say(int report, const std::string& line);
void stay(int until);  // until released

// Runs `body` in a child and returns what it returns.
std::string in_child(const std::function<std::string()>& body);

// How many descriptors this process has open.
[[nodiscard]] std::size_t open_descriptors();

// A uid that is not ours; 65534 is "nobody" everywhere.
inline constexpr uid_t kForeignUid = 65534;

// A blocking local socket connected to `path`, or none.
[[nodiscard]] UniqueFd raw_connect(const std::string& path);

}  // namespace ferry::transports::testing
