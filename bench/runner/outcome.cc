#include "bench/runner/outcome.h"

#include <algorithm>

namespace bench {
namespace {

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

}  // namespace

Outcome outcome_of(const Config& config, const Rounds& rounds, std::size_t row) {
  // The control is compared with the row it repeats.
  const int floor = floor_of(config, config.rows[row]);
  std::vector<double> p50;
  std::vector<double> p99;
  std::vector<double> rate;
  std::vector<double> cpu;
  std::vector<double> floors;
  std::vector<double> ratios;
  for (const auto& round : rounds) {
    const auto& sample = round[row];
    if (!sample) continue;
    p50.push_back(sample->p50_us);
    p99.push_back(sample->p99_us);
    rate.push_back(sample->calls_per_s);
    cpu.push_back(sample->cpu_us);
    if (floor < 0 || !round[static_cast<std::size_t>(floor)]) continue;
    floors.push_back(round[static_cast<std::size_t>(floor)]->p50_us);
    ratios.push_back(sample->p50_us / floors.back());
  }
  return {.rounds = static_cast<int>(p50.size()),
          .p50_us = spread_of(p50),
          .p99_us = spread_of(p99).median,
          .calls_per_s = spread_of(rate).median,
          .cpu_us = spread_of(cpu).median,
          .floor_p50_us = spread_of(floors).median,
          .ratio = spread_of(ratios)};
}

}  // namespace bench
