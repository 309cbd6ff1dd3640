#include "bench/floors/floors.h"

namespace bench {

std::unique_ptr<Contestant> make_contestant(const Setup& setup) {
  auto floor = make_descriptor_floor(setup);
  return floor ? std::move(floor) : make_memory_floor(setup);
}

}  // namespace bench
