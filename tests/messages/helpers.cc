#include "tests/messages/helpers.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace ferry::testing {
namespace {

std::atomic<int>& alive() {
  static std::atomic<int> count = 0;
  return count;
}

class Storage final : public support::MessageStorage {
 public:
  explicit Storage(std::vector<std::uint64_t> words) : words_(std::move(words)) { ++alive(); }
  void recycle() noexcept override {
    // What still read it would read this.
    std::ranges::fill(words_, 0xdddd'dddd'dddd'ddddU);
    --alive();
    delete this;
  }
  [[nodiscard]] support::Bytes bytes() const { return std::as_bytes(std::span(words_)); }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

NoLeak::~NoLeak() { EXPECT_EQ(open_descriptors(), before_) << "descriptors leaked"; }

UniqueFd memfd(unsigned flags) {
  UniqueFd fd(::memfd_create("ferry-test", MFD_CLOEXEC | flags));
  EXPECT_TRUE(fd.valid()) << "memfd_create: " << errno;
  return fd;
}

UniqueFd read_only_file() {
  UniqueFd fd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(fd.valid()) << "open: " << errno;
  return fd;
}

UniqueFd event() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
  EXPECT_TRUE(fd.valid()) << "eventfd: " << errno;
  return fd;
}

UniqueFd duplicate(const UniqueFd& fd) {
  auto copy = fd.duplicate();
  EXPECT_TRUE(copy.ok()) << copy.status();
  return copy.ok() ? std::move(*copy) : UniqueFd();
}

bool same_file(int a, int b) {
  struct stat first {};
  struct stat second {};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

support::WireMessage deliver(support::RawBuilder& message) {
  const auto segments = message.segments();
  std::vector<std::uint64_t> words;
  if (segments.size() > 1) {
    std::vector<std::uint32_t> table(segments.size() + segments.size() % 2);
    for (std::size_t i = 0; i < segments.size(); ++i) {
      table[i] = static_cast<std::uint32_t>(segments[i].size() / 8);
    }
    words.resize(table.size() / 2);
    std::memcpy(words.data(), table.data(), table.size() * sizeof(std::uint32_t));
  }
  for (const auto segment : segments) {
    const std::size_t at = words.size();
    words.resize(at + segment.size() / 8);
    std::memcpy(words.data() + at, segment.data(), segment.size());
  }
  auto result = wire(std::move(words), static_cast<std::uint32_t>(segments.size()));
  result.attachments = std::move(message.attachments());
  return result;
}

support::WireMessage wire(std::vector<std::uint64_t> words, std::uint32_t segment_count) {
  auto* const storage = new Storage(std::move(words));
  support::WireMessage message;
  message.body = storage->bytes();
  message.segment_count = segment_count;
  message.storage = support::StoragePtr(storage);
  return message;
}

int storages_alive() { return alive(); }

}  // namespace ferry::testing
