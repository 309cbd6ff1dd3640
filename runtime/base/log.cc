#include <string>
#include <unistd.h>

#include <ferry/log.h>

namespace ferry {

namespace {

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

}  // namespace

LogSink log_to_stderr(LogLevel least) {
  return [least](LogLevel level, std::string_view line) {
    if (level < least) return;
    std::string text = "ferry: ";
    text += name(level);
    text += ": ";
    text += line;
    text += '\n';
    // One write, so that lines of several threads and processes stay whole. Nowhere to report to.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
  };
}

}  // namespace ferry
