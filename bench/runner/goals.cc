// The figures this project holds itself to, checked against a run.
#include <iomanip>
#include <ostream>

#include "bench/runner/report.h"

namespace bench {
namespace {

constexpr std::size_t kSmall = 64;

struct Found {
  const Row* row;
  const Outcome* outcome;
};

class Goals {
 public:
  explicit Goals(std::ostream& out) : out_(out) {}
  [[nodiscard]] bool met() const { return met_; }
  void check(const std::string& what, double value, double limit, bool at_most = true) {
    // 0: the row failed.
    const bool fine = value > 0 && (at_most ? value <= limit : value >= limit);
    met_ = met_ && fine;
    out_ << (fine ? "  yes  " : "  NO   ") << std::left << std::setw(62) << what << std::right
         << std::fixed << std::setprecision(2) << value << (at_most ? "  at most " : "  at least ")
         << limit << "\n";
  }
  void miss(const std::string& what) {
    met_ = false;
    out_ << "  NO   " << what << "\n";
  }
  // Whoever asked for that run left it out, or has one CPU: not a goal missed.
  void leave_out(const std::string& what) { out_ << "  --   " << what << ": not measured\n"; }

 private:
  std::ostream& out_;
  bool met_ = true;
};

const Measured* find(const std::vector<Measured>& all, const std::string& name,
                     const std::string& placement) {
  for (const auto& measured : all) {
    const Config& config = measured.config;
    if (config.name == name && config.placement == placement && config.size == kSmall) {
      return &measured;
    }
  }
  return nullptr;
}

// Rows of ferry with that handler and that wait.
std::vector<Found> ferry_rows(const Measured& measured, bool spin, bool pool) {
  std::vector<Found> found;
  for (std::size_t i = 0; i < measured.outcomes.size(); ++i) {
    const Row& row = measured.config.rows[i];
    if (row.kind == Kind::kFerry && row.spin == spin && row.pool == pool) {
      found.push_back({&row, &measured.outcomes[i]});
    }
  }
  return found;
}

void check_faster_than_peers(const Measured& measured, bool spin, Goals& goals) {
  for (std::size_t i = 0; i < measured.outcomes.size(); ++i) {
    const Row& peer = measured.config.rows[i];
    if (peer.kind != Kind::kPeer) continue;
    if (measured.outcomes[i].rounds == 0) {
      goals.miss(measured.config.placement + ": " + peer.lane + " failed, not compared");
      continue;
    }
    for (const bool pool : {false, true}) {
      for (const auto& [row, outcome] : ferry_rows(measured, spin, pool)) {
        goals.check(measured.config.placement + ", " + (pool ? "pool, " : "inline, ") + row->lane +
                        ": p50 us below " + peer.lane,
                    outcome->p50_us.median, measured.outcomes[i].p50_us.median);
      }
    }
  }
}

void check_one_cpu(const Measured& measured, Goals& goals) {
  for (const auto& [row, outcome] : ferry_rows(measured, false, false)) {
    const bool memory = row->lane == "shm" || row->lane == "memfd";
    goals.check("one-cpu, parked, inline, " + row->lane + ": p50 over the raw mechanism's",
                outcome->ratio.median, memory ? 2.0 : 1.5);
  }
  check_faster_than_peers(measured, false, goals);
}

void check_two_cpus(const Measured& measured, Goals& goals) {
  for (const auto& [row, outcome] : ferry_rows(measured, true, false)) {
    if (row->lane == "shm" || row->lane == "memfd") {
      goals.check("two-cpu, spin, inline, " + row->lane + ": p50 us", outcome->p50_us.median, 1.5);
    } else if (row->lane == "unix") {
      goals.check("two-cpu, spin, inline, unix: p50 us", outcome->p50_us.median, 6);
    }
  }
  check_faster_than_peers(measured, true, goals);
}

void check_four_clients(const Measured& measured, Goals& goals) {
  const auto parked = ferry_rows(measured, false, false);
  const auto spinning = ferry_rows(measured, true, false);
  for (std::size_t i = 0; i < parked.size() && i < spinning.size(); ++i) {
    const std::string what = "four clients, " + parked[i].row->lane + ": spin over park, ";
    if (parked[i].outcome->rounds == 0 || spinning[i].outcome->rounds == 0) {
      goals.miss(what + "failed");
      continue;
    }
    goals.check(what + "calls/s", spinning[i].outcome->calls_per_s / parked[i].outcome->calls_per_s,
                0.9, false);
    goals.check(what + "p99", spinning[i].outcome->p99_us / parked[i].outcome->p99_us, 2.0);
  }
}

}  // namespace

bool print_goals(const std::vector<Measured>& all, const std::vector<Peer>& missing,
                 std::ostream& out) {
  out << "\ngoals, at 64 B\n";
  Goals goals(out);
  const auto check = [&](const std::string& name, const std::string& placement, auto&& with) {
    if (const auto* measured = find(all, name, placement)) {
      with(*measured, goals);
    } else {
      goals.leave_out(name + ", " + placement);
    }
  };
  check("unary", "one-cpu", check_one_cpu);
  check("unary", "two-cpu", check_two_cpus);
  check("four-clients", "two-cpu", check_four_clients);
  for (const Peer& peer : missing) {
    goals.miss(std::string("faster than ") + peer.name +
               ": not installed, not compared (Debian: " + peer.packages + ")");
  }
  return goals.met();
}

}  // namespace bench
