// Runs one measuring program and reads the line it prints.
#pragma once

#include <optional>
#include <string>

#include "bench/runner/plan.h"

namespace bench {

struct Sample {
  double p50_us = 0;
  double p99_us = 0;
  double calls_per_s = 0;
  double cpu_us = 0;
};

// Nothing when the program failed; what it wrote to standard error went to ours.
std::optional<Sample> run_once(const std::string& bin, const Config& config, const Row& row,
                               double seconds);

}  // namespace bench
