// Outcome: what all rounds of a row come to.
#pragma once

#include <optional>
#include <vector>

#include "bench/runner/plan.h"
#include "bench/runner/run_once.h"

namespace bench {

// rounds[round][row]; rows in the order of Config::rows.
using Rounds = std::vector<std::vector<std::optional<Sample>>>;

struct Spread {
  double median = 0;
  double lowest = 0;
  double highest = 0;
};

struct Outcome {
  int rounds = 0;  // that did not fail
  Spread p50_us;
  double p99_us = 0;
  double calls_per_s = 0;
  double cpu_us = 0;
  // Medians over the rounds; the ratio is that of each round's own two figures, so that what the
  // machine does between rounds cancels out. 0 when there is no floor.
  double floor_p50_us = 0;
  Spread ratio;
};

Outcome outcome_of(const Config& config, const Rounds& rounds, std::size_t row);

}  // namespace bench
