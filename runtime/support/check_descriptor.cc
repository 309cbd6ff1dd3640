#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/support/fd_rule.h>

namespace ferry::support {
namespace {

static_assert(kSealSeal == F_SEAL_SEAL && kSealShrink == F_SEAL_SHRINK &&
              kSealGrow == F_SEAL_GROW && kSealWrite == F_SEAL_WRITE &&
              kSealFutureWrite == F_SEAL_FUTURE_WRITE);

// What the kernel says of a descriptor; each part is asked for when a rule needs it.
struct Facts {
  mode_t type = 0;  // S_IFMT bits; 0 for an anonymous inode
  bool memfd = false;
  std::string anonymous;  // "eventfd" for an anonymous inode of that kind
};

// The name of an anonymous inode stands in its link: "anon_inode:[eventfd]" (proc(5)).
std::string anonymous_name(int fd) {
  constexpr std::string_view kPrefix = "anon_inode:[";
  char text[64];
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(path.c_str(), text, sizeof text);
  if (size <= 0) return {};
  std::string_view link(text, static_cast<std::size_t>(size));
  if (!link.starts_with(kPrefix) || !link.ends_with(']')) return {};
  link.remove_prefix(kPrefix.size());
  link.remove_suffix(1);
  return std::string(link);
}

Facts facts_of(int fd, const struct stat& status) {
  Facts facts;
  facts.type = status.st_mode & S_IFMT;
  // Only files of tmpfs and hugetlbfs know seals (fcntl(2)), and a memfd never has a name.
  facts.memfd = facts.type == S_IFREG && status.st_nlink == 0 && ::fcntl(fd, F_GET_SEALS) >= 0;
  if (facts.type == 0) facts.anonymous = anonymous_name(fd);
  return facts;
}

std::string describe(const Facts& facts) {
  switch (facts.type) {
    case S_IFREG:
      return facts.memfd ? "a memfd" : "a regular file";
    case S_IFDIR:
      return "a directory";
    case S_IFSOCK:
      return "a socket";
    case S_IFIFO:
      return "a pipe";
    case S_IFCHR:
      return "a character device";
    case S_IFBLK:
      return "a block device";
    default:
      break;
  }
  if (facts.anonymous == "eventfd") return "an eventfd";
  if (!facts.anonymous.empty()) return "an anonymous inode (" + facts.anonymous + ")";
  return "of an unknown kind";
}

std::string_view wanted(FdKind kind) {
  switch (kind) {
    case FdKind::kAny:
      return "a descriptor";
    case FdKind::kFile:
      return "a regular file";
    case FdKind::kDirectory:
      return "a directory";
    case FdKind::kSocket:
      return "a socket";
    case FdKind::kPipe:
      return "a pipe";
    case FdKind::kMemfd:
      return "a memfd";
    case FdKind::kEventfd:
      return "an eventfd";
    case FdKind::kDevice:
      return "a device";
  }
  return "of a kind that this version does not know";
}

bool is_kind(const Facts& facts, FdKind kind) {
  switch (kind) {
    case FdKind::kAny:
      return true;
    case FdKind::kFile:
      return facts.type == S_IFREG;
    case FdKind::kDirectory:
      return facts.type == S_IFDIR;
    case FdKind::kSocket:
      return facts.type == S_IFSOCK;
    case FdKind::kPipe:
      return facts.type == S_IFIFO;
    case FdKind::kMemfd:
      return facts.memfd;
    case FdKind::kEventfd:
      return facts.type == 0 && facts.anonymous == "eventfd";
    case FdKind::kDevice:
      return facts.type == S_IFCHR || facts.type == S_IFBLK;
  }
  return false;
}

std::string_view wanted(FdAccess access) {
  switch (access) {
    case FdAccess::kAny:
      return "open";
    case FdAccess::kReadOnly:
      return "open read-only";
    case FdAccess::kWriteOnly:
      return "open write-only";
    case FdAccess::kReadWrite:
      return "open read-write";
    case FdAccess::kReadable:
      return "open for reading";
    case FdAccess::kWritable:
      return "open for writing";
  }
  return "open in a way that this version does not know";
}

bool has_access(int flags, FdAccess access) {
  const int mode = flags & O_ACCMODE;
  switch (access) {
    case FdAccess::kAny:
      return true;
    case FdAccess::kReadOnly:
      return mode == O_RDONLY;
    case FdAccess::kWriteOnly:
      return mode == O_WRONLY;
    case FdAccess::kReadWrite:
      return mode == O_RDWR;
    case FdAccess::kReadable:
      return mode == O_RDONLY || mode == O_RDWR;
    case FdAccess::kWritable:
      return mode == O_WRONLY || mode == O_RDWR;
  }
  return false;
}

std::string_view access_of(int flags) {
  switch (flags & O_ACCMODE) {
    case O_RDONLY:
      return "open read-only";
    case O_WRONLY:
      return "open write-only";
    case O_RDWR:
      return "open read-write";
    default:
      return "open for neither reading nor writing";  // open(2): mode 3, for ioctl only
  }
}

std::string seal_names(std::uint32_t seals) {
  constexpr std::string_view kNames[] = {"seal", "shrink", "grow", "write", "future_write"};
  std::string names;
  for (std::size_t bit = 0; bit < std::size(kNames); ++bit) {
    if ((seals & (1U << bit)) == 0) continue;
    if (!names.empty()) names += ", ";
    names += kNames[bit];
  }
  return names.empty() ? "nothing" : names;
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

// Says in words how `fd` breaks `rule`; empty when it doesn't.
std::string violation(int fd, const FdRule& rule) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return "descriptor " + std::to_string(fd) + " is not open";
  if ((flags & O_PATH) != 0) {
    return "is open with O_PATH, which is never accepted: open it for reading or writing";
  }
  if (rule.kind != FdKind::kAny) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) {
      return Status::from_errno(errno, "its kind cannot be told: fstat").message();
    }
    const Facts facts = facts_of(fd, status);
    if (!is_kind(facts, rule.kind)) {
      return joined({"must be ", wanted(rule.kind), ", is ", describe(facts)});
    }
  }
  if (!has_access(flags, rule.access)) {
    return joined({"must be ", wanted(rule.access), ", is ", access_of(flags)});
  }
  if (rule.seals != kNoSeals) {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    const std::uint32_t present = seals < 0 ? 0U : static_cast<std::uint32_t>(seals);
    if ((present & rule.seals) != rule.seals) {
      return joined({"must be sealed against ", seal_names(rule.seals), ", is sealed against ",
                     seal_names(present)});
    }
  }
  return {};
}

}  // namespace

std::string Place::to_string() const {
  std::string text = parent_ != nullptr ? parent_->to_string() : std::string();
  if (parent_ != nullptr && name_.empty()) return text + "[" + std::to_string(index_) + "]";
  if (!text.empty()) text += '.';
  text += name_;
  return text;
}

Status check_descriptor(int fd, const FdRule& rule, std::string_view where) {
  const std::string why = violation(fd, rule);
  return why.empty() ? Status() : Status::invalid_argument(joined({where, ": ", why}));
}

Status check_descriptor(int fd, const FdRule& rule, const Place& where) {
  std::string why = violation(fd, rule);
  for (const Place* place = &where; why.empty() && place != nullptr; place = place->parent()) {
    if (place->rule() != nullptr) why = violation(fd, *place->rule());
  }
  return why.empty() ? Status() : Status::invalid_argument(where.to_string() + ": " + why);
}

}  // namespace ferry::support
