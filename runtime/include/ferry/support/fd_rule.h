// FdRule: what a descriptor must be; Place: where in a message it stands.
// For generated code and ferry itself; not for users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <ferry/status.h>

namespace ferry::support {

// The three mirror the enums of ferry/rpc.capnp, number for number.
enum class FdKind : std::uint16_t {
  kAny = 0,
  kFile = 1,
  kDirectory = 2,
  kSocket = 3,
  kPipe = 4,
  kMemfd = 5,
  kEventfd = 6,
  kDevice = 7,
};

enum class FdAccess : std::uint16_t {
  kAny = 0,
  kReadOnly = 1,
  kWriteOnly = 2,
  kReadWrite = 3,
  kReadable = 4,
  kWritable = 5,
};

// A set of seals, bit n for the schema's FdSeal n. These are also the kernel's F_SEAL_* bits.
enum FdSeals : std::uint32_t {
  kNoSeals = 0,
  kSealSeal = 1U << 0,
  kSealShrink = 1U << 1,
  kSealGrow = 1U << 2,
  kSealWrite = 1U << 3,
  kSealFutureWrite = 1U << 4,
};

// Constant data in generated code.
struct FdRule {
  FdKind kind = FdKind::kAny;
  FdAccess access = FdAccess::kAny;
  std::uint32_t seals = kNoSeals;  // FdSeals that must be there; more may be
  bool optional = false;           // the pointer may be null
};

inline constexpr FdRule kAnyFd{};

// Where in a message a pointer stands, as a chain of nodes on the stack, so that naming a place
// costs nothing until somebody asks for its text. Each node refers to its parent, which must
// outlive it.
//
//   const Place at("open");                       open
//   const Place entries(at, "entries");           open.entries
//   const Place entry(entries, 3);                open.entries[3]
//   const Place file(entry, "file", &rule);       open.entries[3].file
//
// `rule` is what the field's own $fd and $optional annotations ask for; it holds for the place and
// all below it, in addition to the rule of the pointer's type.
class Place {
 public:
  explicit constexpr Place(std::string_view name) noexcept : name_(name) {}
  constexpr Place(const Place& parent, std::string_view field,
                  const FdRule* rule = nullptr) noexcept
      : parent_(&parent), name_(field), rule_(rule) {}
  constexpr Place(const Place& parent, std::size_t index) noexcept
      : parent_(&parent), index_(index) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] constexpr const Place* parent() const noexcept { return parent_; }
  [[nodiscard]] constexpr const FdRule* rule() const noexcept { return rule_; }
  [[nodiscard]] std::string to_string() const;

 private:
  const Place* parent_ = nullptr;
  std::string_view name_;  // empty: an element, `index_` says which
  std::size_t index_ = 0;
  const FdRule* rule_ = nullptr;
};

// OK when `fd` is an open descriptor that obeys `rule`. INVALID_ARGUMENT otherwise, with what was
// asked for and what it is: "open.file: must be a regular file, is a socket". A descriptor opened
// with O_PATH is never accepted: nothing can be checked of what one could do with it.
[[nodiscard]] Status check_descriptor(int fd, const FdRule& rule, std::string_view where);
// The same; the text of `where` is only made when it fails.
[[nodiscard]] Status check_descriptor(int fd, const FdRule& rule, const Place& where);

}  // namespace ferry::support
