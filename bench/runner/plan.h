// The plan: which rows are measured in which configurations.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

enum class Kind { kFloor, kFloorAgain, kFerry, kPeer };

// One contestant in one configuration.
struct Row {
  Kind kind = Kind::kFerry;
  std::string program;  // of the build's bin folder
  std::string lane;     // of a peer its name
  bool spin = false;
  bool pool = false;
};

// What all rows of one table share.
struct Config {
  std::string name;       // "unary", "four-clients"
  std::string placement;  // "one-cpu", "two-cpu", "two-cpu-no-halt"
  std::size_t size = 64;
  int clients = 1;
  double work_us = 0;
  std::vector<Row> rows = {};
};

struct Choice {
  std::vector<std::string> lanes;
  std::vector<std::size_t> sizes;
  std::vector<std::string> placements;
  bool four_clients = true;
  std::string bin;  // where the programs are; peers that are not there are left out
};

std::vector<Config> make_plan(const Choice& choice);

// What ferry is compared with.
struct Peer {
  const char* name;
  const char* program;
  const char* lane;
  bool pool;             // its handlers run on threads of its own
  const char* packages;  // Debian's, that building it needs
};
// Those whose program is not in `bin`.
std::vector<Peer> peers_not_built(const std::string& bin);

// The position in `config.rows` of the floor that `row` is measured against, or -1. A lane has its
// own raw mechanism, waiting as the lane does; but on one CPU nothing can spin for the other side,
// so the floor there parks. Peers have the parked socket.
int floor_of(const Config& config, const Row& row);

}  // namespace bench
