#include "bench/runner/report.h"

#include <cstdio>
#include <fstream>
#include <iomanip>
#include <ostream>

namespace bench {
namespace {

std::string number(double value) {
  char text[32];
  const char* format = value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f";
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string range(const Spread& spread) {
  return number(spread.lowest) + ".." + number(spread.highest);
}

std::string title(const Row& row) {
  switch (row.kind) {
    case Kind::kFloor:
      return "raw " + row.lane;
    case Kind::kFloorAgain:
      return "raw " + row.lane + " again (A/A)";
    case Kind::kFerry:
      return "ferry " + row.lane;
    case Kind::kPeer:
      return row.lane;
  }
  return row.lane;
}

std::string heading(const Config& config) {
  std::string text = config.name + ", " + std::to_string(config.size) + " B, " + config.placement;
  if (config.clients > 1) {
    text += ", " + std::to_string(config.clients) + " clients with " + number(config.work_us) +
            " us of own work, not bound to CPUs";
  }
  return text;
}

void print_row(const Row& row, const Outcome& outcome, std::ostream& out) {
  out << std::left << std::setw(24) << title(row) << std::setw(8)
      << (row.kind == Kind::kFerry ? (row.pool ? "pool" : "inline") : "") << std::setw(6)
      << (row.spin ? "spin" : "park") << std::right;
  if (outcome.rounds == 0) {
    out << "  failed\n";
    return;
  }
  out << std::setw(9) << number(outcome.p50_us.median) << std::setw(16) << range(outcome.p50_us)
      << std::setw(9) << number(outcome.p99_us) << std::setw(11) << std::fixed
      << std::setprecision(0) << outcome.calls_per_s << std::setw(9) << number(outcome.cpu_us);
  if (outcome.floor_p50_us > 0) {
    out << std::setw(9) << number(outcome.floor_p50_us) << std::setw(7)
        << number(outcome.ratio.median) << std::setw(14) << range(outcome.ratio);
  }
  out << "\n";
}

}  // namespace

void print_table(const Measured& measured, std::ostream& out) {
  out << "\n" << heading(measured.config) << "\n";
  out << std::left << std::setw(24) << "" << std::setw(8) << "handler" << std::setw(6) << "wait"
      << std::right << std::setw(9) << "p50 us" << std::setw(16) << "range" << std::setw(9)
      << "p99 us" << std::setw(11) << "calls/s" << std::setw(9) << "CPU us" << std::setw(9)
      << "floor" << std::setw(7) << "ratio" << std::setw(14) << "range"
      << "\n";
  for (std::size_t i = 0; i < measured.config.rows.size(); ++i) {
    print_row(measured.config.rows[i], measured.outcomes[i], out);
  }
  out.flush();
}

bool write_json(const std::vector<Measured>& all, const std::string& path) {
  std::ofstream out(path);
  out << "[";
  const char* separator = "\n";
  out << std::setprecision(6);
  for (const auto& measured : all) {
    for (std::size_t i = 0; i < measured.outcomes.size(); ++i) {
      const Row& row = measured.config.rows[i];
      const Outcome& outcome = measured.outcomes[i];
      if (row.kind == Kind::kFloor || row.kind == Kind::kFloorAgain || outcome.rounds == 0)
        continue;
      out << separator << R"({"case":")" << measured.config.name << R"(","lane":")" << row.lane
          << R"(","size":)" << measured.config.size << R"(,"placement":")"
          << measured.config.placement << R"(","spin":)" << (row.spin ? "true" : "false")
          << R"(,"handler":")" << (row.pool ? "pool" : "inline") << R"(","p50_us":)"
          << outcome.p50_us.median << R"(,"p99_us":)" << outcome.p99_us << R"(,"calls_per_s":)"
          << outcome.calls_per_s << R"(,"cpu_us":)" << outcome.cpu_us << R"(,"floor_p50_us":)";
      if (outcome.floor_p50_us > 0) {
        out << outcome.floor_p50_us << R"(,"ratio":)" << outcome.ratio.median << "}";
      } else {
        out << R"(null,"ratio":null})";
      }
      separator = ",\n";
    }
  }
  out << "\n]\n";
  out.close();
  return !out.fail();
}

}  // namespace bench
