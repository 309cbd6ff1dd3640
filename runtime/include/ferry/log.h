// What ferry has to say beside the results it returns: a sink that the user sets.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace ferry {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// Called from any of ferry's threads, never under one of its locks; must not block for long and
// must not throw. One line, without a newline. An empty one (nullptr) is never called: silence.
using LogSink = std::function<void(LogLevel, std::string_view line)>;

// A sink that writes "ferry: LEVEL: line" to standard error, from `least` on.
[[nodiscard]] LogSink log_to_stderr(LogLevel least = LogLevel::kWarning);

}  // namespace ferry
