// How soon a process must know that the other one was killed.
#pragma once

#include <chrono>

namespace ferry::testing {

// The longest it may take (the bar).
inline constexpr std::chrono::milliseconds kDetection{100};

// Whether `kill`, which kills at one moment and measures, takes no longer than that. Another
// program may keep the CPU for longer, so it is asked again; what is slow by itself is slow each
// time.
template <typename Kill>
bool detected_in_time(Kill&& kill) {
  constexpr int kTries = 5;
  for (int i = 0; i < kTries; ++i) {
    if (kill() < kDetection) return true;
  }
  return false;
}

}  // namespace ferry::testing
