// Payload: every request is stamped with its number and every reply is checked against it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bench {

class Payload {
 public:
  explicit Payload(std::size_t size);
  // The next request: its number in the first and, inverted, in the last eight bytes.
  std::span<const std::byte> next();
  // Ends the process unless `reply` echoes the last request. The whole of the first few replies is
  // compared, of later ones the length, the first and the last eight bytes.
  void check(std::span<const std::byte> reply) const;

 private:
  std::vector<std::byte> bytes_;
  std::uint64_t number_ = 0;
};

}  // namespace bench
