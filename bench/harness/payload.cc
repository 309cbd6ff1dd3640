#include "bench/harness/payload.h"

#include <algorithm>
#include <cstring>

#include "bench/harness/contestant.h"

namespace bench {
namespace {

constexpr std::size_t kStamp = sizeof(std::uint64_t);
constexpr std::uint64_t kComparedWhole = 3;

}  // namespace

Payload::Payload(std::size_t size) : bytes_(std::max(size, 2 * kStamp)) {
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    bytes_[i] = static_cast<std::byte>(i * 131 + 7);
  }
}

std::span<const std::byte> Payload::next() {
  ++number_;
  const std::uint64_t inverted = ~number_;
  std::memcpy(bytes_.data(), &number_, kStamp);
  std::memcpy(bytes_.data() + bytes_.size() - kStamp, &inverted, kStamp);
  return bytes_;
}

void Payload::check(std::span<const std::byte> reply) const {
  bool same = reply.size() == bytes_.size();
  if (same && number_ <= kComparedWhole) {
    same = std::memcmp(reply.data(), bytes_.data(), bytes_.size()) == 0;
  } else if (same) {
    const std::size_t last = bytes_.size() - kStamp;
    same = std::memcmp(reply.data(), bytes_.data(), kStamp) == 0 &&
           std::memcmp(reply.data() + last, bytes_.data() + last, kStamp) == 0;
  }
  require(same, "a reply is not the echo of its request");
}

}  // namespace bench
