#include "transports/sys/leftovers.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <mqueue.h>
#include <string_view>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/unique_fd.h>

namespace ferry::transports::sys {

namespace {

constexpr std::size_t kDigits = 32;  // 128 bits
constexpr std::string_view kFifo = ".fifo";

Result<std::string> random_digits() {
  std::array<std::uint64_t, 2> random{};
  // Never short for so few bytes, and waits only before the machine has booted (getrandom(2)).
  if (::getrandom(random.data(), sizeof(random), 0) != sizeof(random)) {
    return Status::from_errno(errno, "get random bytes for the name of a kernel object");
  }
  std::array<char, kDigits + 1> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx%016llx",
                static_cast<unsigned long long>(random[0]),
                static_cast<unsigned long long>(random[1]));
  return std::string(digits.data());
}

bool is_fifo_name(std::string_view name, std::string_view file) {
  if (name.size() != file.size() + 1 + kDigits + kFifo.size()) return false;
  const std::string_view digits = name.substr(file.size() + 1, kDigits);
  return name.substr(0, file.size()) == file && name[file.size()] == '.' &&
         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         name.substr(name.size() - kFifo.size()) == kFifo;
}

void remove_fifos(int directory, const std::string& file) {
  UniqueFd listed(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!listed) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(listed.get()), &::closedir);
  if (!list) return;
  static_cast<void>(listed.release());  // the list closes it
  while (const dirent* entry = ::readdir(list.get())) {
    struct stat found {};
    if (is_fifo_name(entry->d_name, file) &&
        ::fstatat(directory, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISFIFO(found.st_mode) && found.st_uid == ::geteuid()) {
      ::unlinkat(directory, entry->d_name, 0);
    }
  }
}

}  // namespace

Result<std::string> fifo_name(const std::string& rendezvous) {
  auto digits = random_digits();
  if (!digits) return digits;
  return rendezvous + "." + *digits + std::string(kFifo);
}

std::string queue_name() { return "/ferry-" + std::to_string(::geteuid()); }

Result<std::string> spare_queue_name() {
  auto digits = random_digits();
  if (!digits) return digits;
  return queue_name() + "-" + *digits;
}

bool remove_queue_name() {
  const std::string name = queue_name();
  // glibc adds O_CLOEXEC (mq_open(3)).
  const UniqueFd queue(::mq_open(name.c_str(), O_RDONLY | O_NONBLOCK));
  if (!queue) return errno == ENOENT;
  struct stat found {};
  if (::fstat(queue.get(), &found) != 0 || found.st_uid != ::geteuid()) return false;
  return ::mq_unlink(name.c_str()) == 0 || errno == ENOENT;
}

void remove_leftovers(int directory, const std::string& file) {
  remove_fifos(directory, file);
  static_cast<void>(remove_queue_name());
}

}  // namespace ferry::transports::sys
