#include "tests/conformance/numbered_files.h"

#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/conformance/lanes.h"
#include "tests/conformance/traffic.h"

namespace ferry::transports::testing {

UniqueFd numbered_file(std::uint64_t number) {
  UniqueFd file(::memfd_create("numbered", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(file.get(), &number, sizeof(number), 0), ssize_t{sizeof(number)});
  return file;
}
std::uint64_t number_of(const UniqueFd& file) {
  std::uint64_t number = 0;
  EXPECT_EQ(::pread(file.get(), &number, sizeof(number), 0), ssize_t{sizeof(number)});
  return number;
}

std::size_t open_numbered_files() {
  const std::string all = open_descriptors();
  std::size_t count = 0;
  for (std::size_t at = all.find("memfd:numbered"); at != std::string::npos;
       at = all.find("memfd:numbered", at + 1)) {
    ++count;
  }
  return count;
}

std::vector<UniqueFd> numbered_files(std::uint64_t from, std::size_t count) {
  std::vector<UniqueFd> files;
  for (std::size_t i = 0; i < count; ++i) files.push_back(numbered_file(from + i));
  return files;
}
std::vector<int> lent(const std::vector<UniqueFd>& files) {
  std::vector<int> descriptors;
  for (const UniqueFd& file : files) descriptors.push_back(file.get());
  return descriptors;
}

void expect_descriptors(Lane& lane, std::uint64_t from, std::size_t count) {
  std::vector<UniqueFd> taken;
  ASSERT_EQ(lane.take_descriptors(count, taken), Status());
  ASSERT_EQ(taken.size(), count);
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(number_of(taken[i]), from + i);
    ASSERT_EQ(::fcntl(taken[i].get(), F_GETFD), FD_CLOEXEC);
  }
}

void expect_frame(Lane& lane, std::size_t position, std::size_t bytes, std::uint64_t from,
                  std::size_t count) {
  std::vector<std::byte> frame(bytes);
  ASSERT_EQ(read_all(lane, std::span(frame).first(1)), Io::kDone) << lane.failure();
  if (count > 0) expect_descriptors(lane, from, count);
  ASSERT_EQ(read_all(lane, std::span(frame).subspan(1)), Io::kDone) << lane.failure();
  ASSERT_EQ(difference(frame, position), "");
}

}  // namespace ferry::transports::testing
