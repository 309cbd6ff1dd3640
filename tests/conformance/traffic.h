// Bytes whose every position can be checked, and lanes driven until all of them are through.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "transports/lane.h"

namespace ferry::transports::testing {

// Small, fast and the same on every machine: what a failing case did can be done again.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  // In [0, below).
  std::size_t operator()(std::size_t below) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::size_t>(state_ % below);
  }

 private:
  std::uint64_t state_;
};

// The byte at `position` of a stream; no two stretches of it are alike for long.
[[nodiscard]] inline std::byte byte_at(std::size_t position) {
  return static_cast<std::byte>((position * 0x9E3779B97F4A7C15ULL) >> 56);
}
[[nodiscard]] std::vector<std::byte> stretch(std::size_t from, std::size_t count);
// Where `bytes` differ from the stream at `from`; empty when they don't.
[[nodiscard]] std::string difference(std::span<const std::byte> bytes, std::size_t from);

[[nodiscard]] inline TimePoint in(std::chrono::milliseconds time) { return Clock::now() + time; }

// One write of contiguous bytes.
[[nodiscard]] IoResult write_once(Lane& lane, std::span<const std::byte> bytes,
                                  std::span<const int> descriptors = {});

// Writes all of `bytes`, waiting for room; `descriptors` go with the first. What ended it: kDone,
// or what a write or a wait said.
[[nodiscard]] Io write_all(Lane& lane, std::span<const std::byte> bytes,
                           std::span<const int> descriptors = {});
// Reads until `into` is full.
[[nodiscard]] Io read_all(Lane& lane, std::span<std::byte> into);

// Writes the stream from position 0 in pieces of random sizes / reads it so and compares.
// `largest` bounds the pieces. For threads of their own.
void send_stream(Lane& lane, std::size_t bytes, std::size_t largest, std::uint64_t seed);
void expect_stream(Lane& lane, std::size_t bytes, std::size_t largest, std::uint64_t seed);

// Writes the stream from position 0 until there is no room: how much went in.
[[nodiscard]] std::size_t fill(Lane& lane);
// Reads all there is without parking, and compares with the stream at `from`: how much came.
[[nodiscard]] std::size_t drain(Lane& lane, std::size_t from);

}  // namespace ferry::transports::testing

namespace ferry::transports {

// For failure messages.
void PrintTo(Io outcome, std::ostream* out);

}  // namespace ferry::transports
