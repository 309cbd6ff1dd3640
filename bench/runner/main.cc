// Runs the plan: in every configuration all rows, in rounds, in a new order each round; prints
// tables.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <random>
#include <sstream>

#include <gflags/gflags.h>

#include "bench/harness/placement.h"
#include "bench/runner/no_halt.h"
#include "bench/runner/report.h"
#include "tools/flags.h"

DEFINE_bool(quick, false, "64 B and 64 KiB only, shorter, fewer rounds: about two minutes");
DEFINE_string(json, "", "write the figures to this file as well");
DEFINE_string(lanes, "unix,fifo,mq,shm,memfd", "lanes to measure");
DEFINE_string(sizes, "", "sizes in bytes, as 64,1024; empty: 64,1024,65536,1048576");
DEFINE_string(placements, "one-cpu,two-cpu,two-cpu-no-halt", "placements to measure");
DEFINE_bool(four_clients, true, "also four clients with work of their own on two CPUs");
DEFINE_int32(rounds, 0, "rounds; 0: 5, or 3 with --quick");
DEFINE_double(seconds, 0, "of measuring a row in a round; 0: 0.2, or 0.1 with --quick");
DEFINE_bool(goals, false, "fail when a goal that was measured is missed, or a peer is not there");

namespace bench {
namespace {

constexpr const char* kUsage =
    R"(Measures every lane beside its raw mechanism, Cap'n Proto RPC and gRPC. Runs the programs beside
it (bench_ferry, bench_floors, and the peers where they were built). bench/run builds all of them, then
runs this; bench/run --help tells the method.

  bench_run --quick
  bench_run --lanes=memfd,unix --sizes=64 --placements=one-cpu --json=figures.json

The file of --json is an array of objects, one for each row that is not a raw mechanism and did not
fail: case, lane (of a peer its name), size, placement, spin, handler, p50_us, p99_us, calls_per_s,
cpu_us, floor_p50_us, ratio. The last two are null where nothing raw was measured beside the row: in the
case four-clients. The exit code is 1 when a row failed.)";

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

Choice choice_from_flags() {
  Choice choice;
  choice.lanes = split(FLAGS_lanes);
  const std::string sizes = FLAGS_quick ? "64,65536" : "64,1024,65536,1048576";
  for (const auto& size : split(FLAGS_sizes.empty() ? sizes : FLAGS_sizes)) {
    choice.sizes.push_back(std::strtoul(size.c_str(), nullptr, 10));
  }
  const bool two_cpus = usable_cpus().size() >= 2;
  for (const auto& placement : split(FLAGS_placements)) {
    if (placement == "one-cpu" || two_cpus) {
      choice.placements.push_back(placement);
    } else {
      std::cerr << "only one CPU to use: leaving out " << placement << "\n";
    }
  }
  choice.four_clients = FLAGS_four_clients && two_cpus;
  choice.bin = std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
  return choice;
}

Measured measure(const Config& config, const std::string& bin, int rounds, double seconds,
                 std::mt19937& random) {
  std::optional<NoHalt> no_halt;
  if (config.placement == "two-cpu-no-halt") no_halt.emplace();
  Rounds results;
  std::vector<std::size_t> order(config.rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (int round = 0; round < rounds; ++round) {
    std::cerr << config.name << " " << config.size << " B " << config.placement << ": round "
              << round + 1 << " of " << rounds << "\n";
    std::shuffle(order.begin(), order.end(), random);
    auto& samples = results.emplace_back(config.rows.size());
    for (const std::size_t row : order) {
      samples[row] = run_once(bin, config, config.rows[row], seconds);
      if (!samples[row]) std::cerr << "failed: " << config.rows[row].lane << "\n";
    }
  }
  Measured measured{.config = config, .outcomes = {}};
  for (std::size_t row = 0; row < config.rows.size(); ++row) {
    measured.outcomes.push_back(outcome_of(config, results, row));
  }
  return measured;
}

int run() {
  const Choice choice = choice_from_flags();
  const int rounds = FLAGS_rounds > 0 ? FLAGS_rounds : FLAGS_quick ? 3 : 5;
  const double seconds = FLAGS_seconds > 0 ? FLAGS_seconds : FLAGS_quick ? 0.1 : 0.2;
  std::mt19937 random(1);  // the same order in every run
  std::vector<Measured> all;
  for (const auto& config : make_plan(choice)) {
    all.push_back(measure(config, choice.bin, rounds, seconds, random));
    print_table(all.back(), std::cout);
  }
  bool fine = print_goals(all, peers_not_built(choice.bin), std::cout) || !FLAGS_goals;
  if (!FLAGS_json.empty() && !write_json(all, FLAGS_json)) {
    std::cerr << "bench: can't write " << FLAGS_json << "\n";
    fine = false;
  }
  for (const auto& measured : all) {
    for (const auto& outcome : measured.outcomes) fine = fine && outcome.rounds > 0;
  }
  return fine ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  ferry::tools::parse_flags(argc, argv, bench::kUsage);
  return bench::run();
}
