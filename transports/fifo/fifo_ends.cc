#include "transports/fifo/fifo_ends.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "transports/sys/leftovers.h"
#include "transports/sys/os_error.h"
#include "transports/sys/reopen.h"

namespace ferry::transports {

namespace {

// A FIFO without a name any more: its name leads to it for three system calls. What a kill between
// them leaves, the next server at `rendezvous` removes (sys/leftovers.h).
Result<UniqueFd> named_fifo(const std::string& rendezvous) {
  auto path = sys::fifo_name(rendezvous);
  if (!path) return path.status();
  // An existing name, a symbolic link among them, is EEXIST: never followed (mkfifo(3)).
  if (::mkfifo(path->c_str(), S_IRUSR | S_IWUSR) != 0) {
    return sys::os_error(errno, "make the FIFO " + *path);
  }
  UniqueFd fifo(::open(path->c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  const int error = errno;
  ::unlink(path->c_str());
  if (!fifo) return sys::os_error(error, "open the FIFO " + *path);
  struct stat info {};
  if (::fstat(fifo.get(), &info) != 0 || !S_ISFIFO(info.st_mode) || info.st_uid != ::geteuid()) {
    return Status::permission_denied("open the FIFO " + *path +
                                     ": somebody replaced it; who else may write the directory?");
  }
  return fifo;
}

// For a server without a rendezvous of its own, and so without the lock that tells leftovers: a
// pipe is a FIFO that never had a name (fifo(7)).
Result<UniqueFd> unnamed_fifo() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return sys::os_error(errno, "make a FIFO without a name");
  const UniqueFd write(ends[1]);
  return UniqueFd(ends[0]);
}

// One FIFO from `from` to `to`. A reader without O_NONBLOCK waits for a writer, a writer with it
// fails without a reader (fifo(7)): hence the order.
Status connect(const std::string& rendezvous, bool foreign, FifoEnds& from, FifoEnds& to,
               bool blocking_reader) {
  auto fifo = rendezvous.empty() ? unnamed_fifo() : named_fifo(rendezvous);
  if (!fifo) return fifo.status();
  struct Opening {
    UniqueFd& end;
    int flags;
  };
  for (const Opening& opening :
       {Opening{to.read, O_RDONLY | O_NONBLOCK}, Opening{from.write, O_WRONLY | O_NONBLOCK},
        Opening{from.spare, O_RDONLY | O_NONBLOCK}, Opening{to.read_blocking, O_RDONLY}}) {
    if (opening.flags == O_RDONLY && !blocking_reader) continue;
    auto end = sys::reopen(fifo->get(), opening.flags);
    if (!end) return end.status().with_context("open a FIFO's end");
    opening.end = std::move(*end);
  }
  // Without a name only who has a descriptor can get at the FIFO at all.
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

}  // namespace

std::vector<int> FifoEnds::descriptors() const {
  return {read.get(), read_blocking.get(), write.get(), spare.get()};
}

Result<FifoPair> make_fifos(const std::string& rendezvous, const Peer& peer) {
  const bool foreign = peer.uid != ::geteuid();
  FifoPair pair;
  if (Status made = connect(rendezvous, foreign, pair.server, pair.client, true); !made.ok()) {
    return made;
  }
  if (Status made = connect(rendezvous, foreign, pair.client, pair.server, false); !made.ok()) {
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
      auto own = sys::reopen(end.get(), flags);
      if (!own) {
        return own.status().with_context("a FIFO of a server that is not trusted is opened anew");
      }
      end = std::move(*own);
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
