// The raw mechanisms between two processes, with nothing on top: what each lane is measured
// against.
#pragma once

#include <memory>

#include "bench/harness/contestant.h"

namespace bench {

std::unique_ptr<Contestant> make_descriptor_floor(const Setup& setup);  // unix fifo mq
std::unique_ptr<Contestant> make_memory_floor(const Setup& setup);      // shm memfd

}  // namespace bench
