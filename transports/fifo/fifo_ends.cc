#include "transports/fifo/fifo_ends.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "transports/sys/os_error.h"

namespace ferry::transports {

namespace {

// Removes a FIFO's name when it goes out of scope.
class FifoName {
 public:
  [[nodiscard]] static Result<FifoName> make(const std::string& directory) {
    std::array<std::uint64_t, 2> random{};
    // Never short for so few bytes, and waits only before the machine has booted (getrandom(2)).
    if (::getrandom(random.data(), sizeof(random), 0) != sizeof(random)) {
      return Status::from_errno(errno, "get random bytes for the name of a FIFO");
    }
    std::array<char, 64> name{};
    std::snprintf(name.data(), name.size(), "/.ferry-%016llx%016llx.fifo",
                  static_cast<unsigned long long>(random[0]),
                  static_cast<unsigned long long>(random[1]));
    std::string path = directory + name.data();
    // An existing name, a symbolic link among them, is EEXIST: never followed (mkfifo(3)).
    if (::mkfifo(path.c_str(), S_IRUSR | S_IWUSR) != 0) {
      return sys::os_error(errno, "make the FIFO " + path);
    }
    return FifoName(std::move(path));
  }
  FifoName(FifoName&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  FifoName& operator=(FifoName&&) = delete;
  FifoName(const FifoName&) = delete;
  ~FifoName() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  [[nodiscard]] Result<UniqueFd> open(int flags) const {
    UniqueFd fd(::open(path_.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return sys::os_error(errno, "open the FIFO " + path_);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0 || !S_ISFIFO(info.st_mode) || info.st_uid != ::geteuid()) {
      return Status::permission_denied("open the FIFO " + path_ +
                                       ": somebody replaced it; who else may write the directory?");
    }
    return fd;
  }

 private:
  explicit FifoName(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::string temporary_directory() {
  for (const char* variable : {"XDG_RUNTIME_DIR", "TMPDIR"}) {
    const char* value = ::secure_getenv(variable);
    if (value != nullptr && *value == '/') return value;
  }
  return "/tmp";
}

// One FIFO from `from` to `to`. A reader without O_NONBLOCK waits for a writer, a writer with it
// fails without a reader (fifo(7)): hence the order.
Status connect(const std::string& directory, bool foreign, FifoEnds& from, FifoEnds& to,
               bool blocking_reader) {
  auto name = FifoName::make(directory);
  if (!name) return name.status();
  struct Opening {
    UniqueFd& end;
    int flags;
  };
  for (const Opening& opening :
       {Opening{to.read, O_RDONLY | O_NONBLOCK}, Opening{from.write, O_WRONLY | O_NONBLOCK},
        Opening{from.spare, O_RDONLY | O_NONBLOCK}, Opening{to.read_blocking, O_RDONLY}}) {
    if (opening.flags == O_RDONLY && !blocking_reader) continue;
    auto end = name->open(opening.flags);
    if (!end) return end.status();
    opening.end = std::move(*end);
  }
  // The name is about to go. From then on only who has a descriptor can get at the FIFO at all.
  if (foreign && ::fchmod(to.read.get(), 0666) != 0) {
    return Status::from_errno(errno, "let the peer open its end of a FIFO");
  }
  return {};
}

bool is_fifo(int fd, int access, struct stat& info) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & (O_ACCMODE | O_PATH)) == access && ::fstat(fd, &info) == 0 &&
         S_ISFIFO(info.st_mode);
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// A description of this process's own of what `fd` is.
Status reopen(UniqueFd& fd, int flags) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  UniqueFd own(::open(path.c_str(), flags | O_CLOEXEC));
  if (!own) {
    const Status why = sys::os_error(errno, "open " + path);
    return Status::failed_precondition(
        "a FIFO of a server that is not trusted must be opened anew, and that failed: " +
        why.message());
  }
  fd = std::move(own);
  return {};
}

}  // namespace

std::vector<int> FifoEnds::descriptors() const {
  return {read.get(), read_blocking.get(), write.get(), spare.get()};
}

Result<FifoPair> make_fifos(const std::string& directory, const Peer& peer) {
  const std::string where = directory.empty() ? temporary_directory() : directory;
  const bool foreign = peer.uid != ::geteuid();
  FifoPair pair;
  if (Status made = connect(where, foreign, pair.server, pair.client, true); !made.ok()) {
    return made;
  }
  if (Status made = connect(where, foreign, pair.client, pair.server, false); !made.ok()) {
    return made;
  }
  return pair;
}

Result<FifoEnds> check_fifos(std::vector<UniqueFd> descriptors, const Peer& peer) {
  if (descriptors.size() != 4) {
    return Status::invalid_argument("join fifo: the server passed " +
                                    std::to_string(descriptors.size()) +
                                    " descriptors instead of 4");
  }
  struct stat read {};
  struct stat read_blocking {};
  struct stat write {};
  struct stat spare {};
  if (!is_fifo(descriptors[0].get(), O_RDONLY, read) ||
      !is_fifo(descriptors[1].get(), O_RDONLY, read_blocking) ||
      !is_fifo(descriptors[2].get(), O_WRONLY, write) ||
      !is_fifo(descriptors[3].get(), O_RDONLY, spare) || !same_file(read, read_blocking) ||
      !same_file(write, spare) || same_file(read, write)) {
    return Status::invalid_argument(
        "join fifo: what the server passed are not the ends of two FIFOs");
  }
  FifoEnds ends{std::move(descriptors[0]), std::move(descriptors[1]), std::move(descriptors[2]),
                std::move(descriptors[3])};
  if (peer.trust == Trust::kHostile) {
    for (const auto& [end, flags] : {std::pair<UniqueFd&, int>{ends.read, O_RDONLY | O_NONBLOCK},
                                     {ends.write, O_WRONLY | O_NONBLOCK}}) {
      if (Status opened = reopen(end, flags); !opened.ok()) return opened;
    }
    ends.read_blocking.reset();  // not worth a wait for a writer that may be gone
    return ends;
  }
  for (const auto& [fd, flags] : {std::pair<int, int>{ends.read.get(), O_NONBLOCK},
                                  {ends.write.get(), O_NONBLOCK},
                                  {ends.read_blocking.get(), 0}}) {
    if (::fcntl(fd, F_SETFL, flags) != 0) {
      return Status::from_errno(errno, "set the flags of a FIFO's end");
    }
  }
  return ends;
}

}  // namespace ferry::transports
