// RecordedLog: a log sink that a test can look into.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <ferry/log.h>

namespace ferry::testing {

// Outlives what logs to it. Thread safety: all members, any thread.
class RecordedLog {
 public:
  [[nodiscard]] LogSink sink();
  // How many lines of `least` or above have all of `words` in them.
  [[nodiscard]] int count(LogLevel least, const std::vector<std::string>& words) const;
  // All of it, for people.
  [[nodiscard]] std::string text() const;

 private:
  struct Line {
    LogLevel level;
    std::string text;
  };
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
};

}  // namespace ferry::testing
