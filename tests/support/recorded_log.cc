#include "tests/support/recorded_log.h"

#include <algorithm>

namespace ferry::testing {

LogSink RecordedLog::sink() {
  return [this](LogLevel level, std::string_view line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back({level, std::string(line)});
  };
}

int RecordedLog::count(LogLevel least, const std::vector<std::string>& words) const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::count_if(lines_.begin(), lines_.end(), [&](const Line& line) {
    return line.level >= least && std::all_of(words.begin(), words.end(), [&](const auto& word) {
             return line.text.find(word) != std::string::npos;
           });
  }));
}

std::string RecordedLog::text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const Line& line : lines_) text += line.text + "\n";
  return text;
}

}  // namespace ferry::testing
