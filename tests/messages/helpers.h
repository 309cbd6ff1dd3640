// What the tests of messages share: messages on their way, and descriptors that are counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <ferry/support/raw_message.h>
#include <ferry/unique_fd.h>

namespace ferry::testing {

// Descriptors that this process has open.
[[nodiscard]] std::size_t open_descriptors();

// Fails the test when the descriptors open at its end are not as many as at its beginning.
class NoLeak {
 public:
  NoLeak() : before_(open_descriptors()) {}
  ~NoLeak();
  NoLeak(const NoLeak&) = delete;
  NoLeak& operator=(const NoLeak&) = delete;

 private:
  std::size_t before_;
};

// A descriptor of each kind. They fail the test when the kernel gives none.
[[nodiscard]] UniqueFd memfd(unsigned flags = 0);
[[nodiscard]] UniqueFd read_only_file();
[[nodiscard]] UniqueFd event();
[[nodiscard]] UniqueFd duplicate(const UniqueFd& fd);
// The two are the same open file description, so far as stat can tell.
[[nodiscard]] bool same_file(int a, int b);

// What `message` is when it arrives: a private copy of its bytes, and its descriptors, moved.
[[nodiscard]] support::WireMessage deliver(support::RawBuilder& message);

// A message made of `words`, for what no builder would write.
[[nodiscard]] support::WireMessage wire(std::vector<std::uint64_t> words,
                                        std::uint32_t segment_count = 1);

// The storages of delivered messages that were not given back yet.
[[nodiscard]] int storages_alive();

}  // namespace ferry::testing
