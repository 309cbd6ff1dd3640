#include "bench/runner/plan.h"

#include <unistd.h>

namespace bench {
namespace {

constexpr double kOwnWork = 5;  // microseconds
constexpr int kFourClients = 4;

constexpr Peer kPeers[] = {
    {"Cap'n Proto RPC", "bench_capnp", "capnp-rpc", false, "libcapnp-dev"},
    // That of gRPC's synchronous server.
    {"gRPC", "bench_grpc", "grpc", true, "libgrpc++-dev libprotobuf-dev protobuf-compiler-grpc"},
};

bool is_built(const std::string& bin, const Peer& peer) {
  return access((bin + "/" + peer.program).c_str(), X_OK) == 0;
}

void add_ferry(const Choice& choice, bool with_pool, std::vector<Row>& rows) {
  for (const auto& lane : choice.lanes) {
    for (const bool pool : {false, true}) {
      if (pool && !with_pool) continue;
      for (const bool spin : {false, true}) {
        rows.push_back({Kind::kFerry, "bench_ferry", lane, spin, pool});
      }
    }
  }
}

void add_floors(const Choice& choice, bool with_spin, std::vector<Row>& rows) {
  rows.push_back({Kind::kFloorAgain, "bench_floors", "unix", false, false});
  bool has_unix = false;
  for (const auto& lane : choice.lanes) {
    has_unix = has_unix || lane == "unix";
    rows.push_back({Kind::kFloor, "bench_floors", lane, false, false});
    if (with_spin) rows.push_back({Kind::kFloor, "bench_floors", lane, true, false});
  }
  if (!has_unix) rows.push_back({Kind::kFloor, "bench_floors", "unix", false, false});
}

void add_peers(const Choice& choice, std::vector<Row>& rows) {
  for (const Peer& peer : kPeers) {
    if (is_built(choice.bin, peer)) {
      rows.push_back({Kind::kPeer, peer.program, peer.lane, false, peer.pool});
    }
  }
}

}  // namespace

std::vector<Config> make_plan(const Choice& choice) {
  std::vector<Config> plan;
  for (const auto& placement : choice.placements) {
    for (const std::size_t size : choice.sizes) {
      Config config{.name = "unary", .placement = placement, .size = size};
      add_floors(choice, placement != "one-cpu", config.rows);
      add_ferry(choice, true, config.rows);
      add_peers(choice, config.rows);
      plan.push_back(std::move(config));
    }
  }
  if (choice.four_clients) {
    Config config{.name = "four-clients",
                  .placement = "two-cpu",
                  .size = 64,
                  .clients = kFourClients,
                  .work_us = kOwnWork};
    add_ferry(choice, false, config.rows);
    plan.push_back(std::move(config));
  }
  return plan;
}

std::vector<Peer> peers_not_built(const std::string& bin) {
  std::vector<Peer> missing;
  for (const Peer& peer : kPeers) {
    if (!is_built(bin, peer)) missing.push_back(peer);
  }
  return missing;
}

int floor_of(const Config& config, const Row& row) {
  const std::string lane = row.kind == Kind::kPeer ? "unix" : row.lane;
  const bool spin = row.kind == Kind::kPeer ? false : row.spin && config.placement != "one-cpu";
  for (std::size_t i = 0; i < config.rows.size(); ++i) {
    const Row& floor = config.rows[i];
    if (floor.kind == Kind::kFloor && floor.lane == lane && floor.spin == spin) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

}  // namespace bench
