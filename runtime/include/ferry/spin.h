// Spin: how a wait waits before it parks.
#pragma once

#include <cstdint>

namespace ferry {

enum class Spin : std::uint8_t {
  // kAdaptive, except on a loop of the user's, where a spin would delay what else runs there: kOff.
  kDefault,
  // Spins a little where that has paid off lately, and not where it has not: docs/architecture.md.
  kAdaptive,
  // Parks at once.
  kOff,
  // Spins up to limits::kBusySpinBudget at every wait, whether that pays or not: for two processes
  // that have a CPU each to themselves. Takes that CPU from everybody else while calls go to and
  // fro.
  kBusy,
};

}  // namespace ferry
