// Histogram: how long calls took, in buckets of less than 0.4 % width. Fixed size and no pointers,
// so that it can lie in memory shared by several processes.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench {

class Histogram {
 public:
  void add(std::uint64_t ns) {
    ++buckets_[bucket(ns)];
    ++count_;
  }
  void add(const Histogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // The smallest value that `share` (0 to 1) of the values do not exceed, in ns; 0 when empty.
  [[nodiscard]] double quantile(double share) const;

 private:
  // 256 buckets an octave, up to 2^40 ns.
  static constexpr std::size_t kPerOctave = 256;
  static constexpr std::size_t kBuckets = kPerOctave * 33;

  static std::size_t bucket(std::uint64_t ns) {
    if (ns < kPerOctave) return ns;
    const int shift = std::bit_width(ns) - 9;
    const std::size_t index =
        kPerOctave * static_cast<std::size_t>(shift + 1) + (ns >> shift) - kPerOctave;
    return index < kBuckets ? index : kBuckets - 1;
  }
  static double middle(std::size_t bucket);

  std::array<std::uint32_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace bench
