#include "bench/harness/histogram.h"

namespace bench {

double Histogram::middle(std::size_t bucket) {
  if (bucket < kPerOctave) return static_cast<double>(bucket);
  const std::size_t shift = bucket / kPerOctave - 1;
  const auto width = static_cast<double>(std::uint64_t{1} << shift);
  return static_cast<double>(kPerOctave + bucket % kPerOctave) * width + width / 2;
}

double Histogram::quantile(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_ - 1)) + 1;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return middle(i);
  }
  return 0;
}

}  // namespace bench
