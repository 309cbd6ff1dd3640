#include "tests/protocol/simulated_messages.h"

#include <array>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>

namespace ferry::protocol::testing {

namespace {

// One of many numbers that follow from a seed (the finalizer of MurmurHash3, a public-domain
// mixer).
std::uint64_t mix(std::uint64_t seed, std::uint64_t which) {
  std::uint64_t value = seed + which * 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccd;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53;
  return value ^ (value >> 33);
}

// Files to pass descriptors of, told apart by their inodes. Open as long as the process lives.
const std::array<UniqueFd, 5>& files() {
  static const std::array<UniqueFd, 5> kFiles = [] {
    std::array<UniqueFd, 5> made;
    for (UniqueFd& file : made) file.reset(::memfd_create("simulated", MFD_CLOEXEC));
    return made;
  }();
  return kFiles;
}

ino_t inode(int fd) {
  struct stat about = {};
  return ::fstat(fd, &about) == 0 ? about.st_ino : 0;
}

struct Slot {
  std::uint16_t slot;
  int file;
};

std::vector<Slot> slots(std::uint64_t seed) {
  std::vector<Slot> listed;
  if (mix(seed, 1) % 100 >= 15) return listed;
  const std::uint64_t count = 1 + mix(seed, 2) % 4;
  std::uint64_t slot = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    slot += mix(seed, 10 + i) % 3;
    listed.push_back(
        {static_cast<std::uint16_t>(slot++), files()[mix(seed, 20 + i) % files().size()].get()});
  }
  return listed;
}

}  // namespace

std::vector<std::uint64_t> simulated_data(std::uint64_t seed) {
  const std::uint64_t kind = mix(seed, 3) % 100;
  const std::uint64_t size = mix(seed, 4);
  const std::size_t words = kind < 65 ? size % 100 : kind < 90 ? size % 8300 : size % 60'000;
  std::vector<std::uint64_t> data(words);
  for (std::size_t i = 0; i < words; ++i) data[i] = seed + i;
  return data;
}

std::uint64_t simulated_segments(std::uint64_t seed) {
  return mix(seed, 5) % 4 != 0 ? 1 : 1 + mix(seed, 6) % 40;
}

support::Attachments simulated_attachments(std::uint64_t seed) {
  support::Attachments attachments;
  for (const Slot& slot : slots(seed)) {
    attachments.slots.push_back(slot.slot);
    attachments.descriptors.emplace_back(::fcntl(slot.file, F_DUPFD_CLOEXEC, 0));
  }
  return attachments;
}

bool same_attachments(const support::Attachments& attachments, std::uint64_t seed) {
  const std::vector<Slot> expected = slots(seed);
  if (attachments.slots.size() != expected.size() ||
      attachments.descriptors.size() != expected.size()) {
    return false;
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (attachments.slots[i] != expected[i].slot) return false;
    if (inode(attachments.descriptors[i].get()) != inode(expected[i].file)) return false;
  }
  return true;
}

std::optional<Status> simulated_status(std::uint64_t seed) {
  if (mix(seed, 7) % 6 != 0) return std::nullopt;
  return Status::aborted("call " + std::to_string(seed));
}

}  // namespace ferry::protocol::testing
