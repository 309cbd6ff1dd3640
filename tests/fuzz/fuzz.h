// What a fuzz target consists of: the entry point that libFuzzer calls, and inputs to begin with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace ferry::fuzz {

using Input = std::vector<std::uint8_t>;

// Valid inputs, which mutations start from. Written by each target.
std::vector<Input> seeds();

}  // namespace ferry::fuzz
