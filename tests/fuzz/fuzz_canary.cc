// A target with a bug, to see that the driver finds one: an input that begins with a `B` and has a
// zero somewhere after its third byte.
#include <algorithm>
#include <cstdlib>

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4 && data[0] == 'B' && std::find(data + 3, data + size, 0) != data + size)
    std::abort();
  return 0;
}

std::vector<ferry::fuzz::Input> ferry::fuzz::seeds() { return {{'A', 1, 2, 3, 4, 5, 6, 7}}; }
