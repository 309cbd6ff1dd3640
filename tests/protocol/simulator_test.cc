// Thousands of seeds through the simulator. A failing one is printed; it replays with
//   protocol_simulator --seed=N --trace
#include "tests/protocol/simulator.h"

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/protocol/endpoint.h"

namespace ferry::protocol::testing {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kSeeds = 1000;  // each takes ten times as long
#else
constexpr std::uint64_t kSeeds = 4000;
#endif

struct Run {
  std::uint64_t first = 1;
  std::uint64_t seeds = kSeeds;
  bool trace = false;
};

// Set by main() before the test runs.
Run& run() {
  static Run the_run;
  return the_run;
}

std::string one(std::uint64_t seed, SimulationCounts& counts) {
  Simulation simulation(seed, run().trace, counts);
  return simulation.run();
}

TEST(Simulator, EveryCallEndsOnceAndNothingIsLostOrHeldWhateverHappens) {
  SimulationCounts counts;
  SimulationCounts warm_up;
  EXPECT_EQ(one(1, warm_up), "");  // opens what stays open
  const std::size_t before = open_descriptors();
  for (std::uint64_t seed = run().first; seed < run().first + run().seeds; ++seed) {
    const std::string failure = one(seed, counts);
    ASSERT_EQ(failure, "") << "replay with --seed=" << seed << " --trace";
    ASSERT_EQ(open_descriptors(), before) << "a leak; replay with --seed=" << seed << " --trace";
  }
  std::cout << "seeds " << run().seeds << ", calls " << counts.calls << ", replies "
            << counts.replies << ", statuses " << counts.statuses << ", assembled " << counts.large
            << ", descriptors " << counts.descriptors << ", cancelled " << counts.cancelled
            << ", refused " << counts.refused << ", went away " << counts.went_away
            << ", corrupted " << counts.corrupted << " (noticed " << counts.detected << "), killed "
            << counts.killed << ", partial writes " << counts.partial_writes << "\n";
  if (run().seeds < 1000) return;
  // Simulations in which nothing happens prove nothing.
  for (const std::size_t count :
       {counts.replies, counts.statuses, counts.large, counts.descriptors, counts.cancelled,
        counts.refused, counts.went_away, counts.corrupted, counts.detected, counts.killed,
        counts.partial_writes}) {
    EXPECT_GT(count, 30U);
  }
}

TEST(Simulator, SameSeedDoesTheSame) {
  for (const std::uint64_t seed : {3, 14, 159}) {
    SimulationCounts first;
    SimulationCounts second;
    EXPECT_EQ(one(seed, first), one(seed, second));
    EXPECT_EQ(first.calls, second.calls);
    EXPECT_EQ(first.replies, second.replies);
    EXPECT_EQ(first.partial_writes, second.partial_writes);
  }
}

bool take_option(std::string_view argument, std::string_view name, std::uint64_t& value) {
  if (!argument.starts_with(name)) return false;
  value = std::strtoull(argument.data() + name.size(), nullptr, 10);
  return true;
}

}  // namespace
}  // namespace ferry::protocol::testing

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  auto& run = ferry::protocol::testing::run();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (ferry::protocol::testing::take_option(argument, "--seed=", run.first)) {
      run.seeds = 1;
    } else if (argument == "--trace") {
      run.trace = true;
    } else if (!ferry::protocol::testing::take_option(argument, "--seeds=", run.seeds)) {
      std::cerr << "unknown option " << argument
                << "; there are --seed=N (one seed), --seeds=N (how many), --trace\n";
      return 2;
    }
  }
  return RUN_ALL_TESTS();
}
