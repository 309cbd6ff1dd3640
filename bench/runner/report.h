// What is shown to people, and the file for programs.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "bench/runner/outcome.h"

namespace bench {

struct Measured {
  Config config;
  std::vector<Outcome> outcomes;  // in the order of config.rows
};

void print_table(const Measured& measured, std::ostream& out);
// The goals, beside what was measured. True when each that was measured is met and no peer is
// missing.
bool print_goals(const std::vector<Measured>& all, const std::vector<Peer>& missing,
                 std::ostream& out);
// An array with an object for each row that is not a floor. False when the file can't be written.
bool write_json(const std::vector<Measured>& all, const std::string& path);

}  // namespace bench
