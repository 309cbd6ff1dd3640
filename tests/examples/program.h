// The example programs, as a user runs them: by name and flags, in processes of their own.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include <ferry/unique_fd.h>

#include "tests/support/processes.h"

namespace ferry::testing {

// What a user other than root has in these tests.
inline constexpr uid_t kNobody = 65534;

// One of the build's programs. Killed when this ends, or after 50 seconds, if it still runs.
class Program {
 public:
  // With `uid`, which takes root, it runs as that user.
  Program(const std::string& name, const std::vector<std::string>& arguments,
          std::optional<uid_t> uid = {});

  void signal(int number) const { process_->signal(number); }
  // Waits for its end: its exit code, or -1 when a signal ended it.
  int wait() { return process_->wait(); }
  // What it has written until now, to standard output and standard error.
  [[nodiscard]] std::string output() const;

 private:
  UniqueFd written_;
  std::optional<Process> process_;
};

// How a program ended that was waited for.
struct Ended {
  int code = -1;
  std::string output;

  [[nodiscard]] bool says(const std::string& text) const;
  // How often `text` stands in the output.
  [[nodiscard]] int count(const std::string& text) const;
  // Of `NAME=value` in the output; "" when it isn't there.
  [[nodiscard]] std::string value(const std::string& name) const;
};

// What a failing test prints.
std::ostream& operator<<(std::ostream& out, const Ended& ended);

[[nodiscard]] Ended run(const std::string& name, const std::vector<std::string>& arguments,
                        std::optional<uid_t> uid = {});

// Polls until there is a socket at `path`. A server renames its own to that name once it listens,
// so its being there says that it accepts.
[[nodiscard]] bool listens(const std::string& path);

}  // namespace ferry::testing
