#include "idl/fd_rules.h"

#include <ferry/rpc.capnp.h>

namespace ferry::idl {
namespace {

constexpr std::uint64_t kFdAnnotation = 0xb1f2a6d0c3e84f17;  // $fd in ferry/rpc.capnp

constexpr const char* kKinds[] = {"any",  "file",  "directory", "socket",
                                  "pipe", "memfd", "eventfd",   "device"};
constexpr const char* kAccesses[] = {"any",       "readOnly", "writeOnly",
                                     "readWrite", "readable", "writable"};

template <std::size_t n>
std::string word(const char* const (&words)[n], std::uint16_t number) {
  return number < n ? words[number] : "number " + std::to_string(number);
}

constexpr auto kMemfd = static_cast<std::uint16_t>(rpc::FdKind::MEMFD);
constexpr auto kFile = static_cast<std::uint16_t>(rpc::FdKind::FILE);
constexpr auto kDirectory = static_cast<std::uint16_t>(rpc::FdKind::DIRECTORY);

// The open modes an access allows: bit 0 O_RDONLY, 1 O_WRONLY, 2 O_RDWR.
unsigned modes(std::uint16_t access) {
  switch (static_cast<rpc::FdAccess>(access)) {
    case rpc::FdAccess::READ_ONLY:
      return 1;
    case rpc::FdAccess::WRITE_ONLY:
      return 2;
    case rpc::FdAccess::READ_WRITE:
      return 4;
    case rpc::FdAccess::READABLE:
      return 1 | 4;
    case rpc::FdAccess::WRITABLE:
      return 2 | 4;
    default:
      return 7;
  }
}

// A memfd is a regular file.
bool kinds_agree(std::uint16_t a, std::uint16_t b) {
  return a == 0 || b == 0 || a == b || (a == kFile && b == kMemfd) || (a == kMemfd && b == kFile);
}

}  // namespace

FdRule own_rule(Annotations annotations) {
  FdRule rule;
  auto value = find_annotation(annotations, kFdAnnotation);
  if (!value) return rule;
  auto stated = value->getStruct().getAs<rpc::FdRule>();
  rule.kind = static_cast<std::uint16_t>(stated.getKind());
  rule.access = static_cast<std::uint16_t>(stated.getAccess());
  for (auto seal : stated.getSealed()) {
    rule.seals = static_cast<std::uint16_t>(rule.seals | (1u << static_cast<unsigned>(seal)));
  }
  return rule;
}

FdRule type_rule(const SchemaIndex& index, std::uint64_t interface) {
  const Node::Reader* node = index.find(interface);
  if (node == nullptr || !node->isInterface()) return {};
  FdRule rule = own_rule(node->getAnnotations());
  for (auto base : node->getInterface().getSuperclasses()) {
    const FdRule inherited = type_rule(index, base.getId());
    if (rule.kind == 0) rule.kind = inherited.kind;
    if (rule.access == 0) rule.access = inherited.access;
    rule.seals |= inherited.seals;
  }
  return rule;
}

std::string nonsense(const FdRule& rule) {
  if (rule.kind >= std::size(kKinds) || rule.access >= std::size(kAccesses)) {
    return "$fd has a word that this version of capnpc-ferry doesn't know";
  }
  if (rule.seals != 0 && rule.kind != 0 && rule.kind != kMemfd) {
    return "$fd wants seals on a " + word(kKinds, rule.kind) + ": only a memfd has them";
  }
  if (rule.kind == kDirectory && (modes(rule.access) & 1) == 0) {
    return "$fd wants a directory that is " + word(kAccesses, rule.access) +
           ": a directory can only be opened for reading";
  }
  return {};
}

std::string contradiction(const FdRule& base, const FdRule& derived) {
  if (!kinds_agree(base.kind, derived.kind)) {
    return "$fd wants a " + word(kKinds, derived.kind) + ", what it adds to wants a " +
           word(kKinds, base.kind);
  }
  if ((modes(base.access) & modes(derived.access)) == 0) {
    return "$fd wants " + word(kAccesses, derived.access) + ", what it adds to wants " +
           word(kAccesses, base.access);
  }
  FdRule both = derived;
  if (both.kind == 0 || both.kind == kFile) both.kind = base.kind == 0 ? both.kind : base.kind;
  if (both.access == 0) both.access = base.access;
  both.seals |= base.seals;
  return nonsense(both);
}

}  // namespace ferry::idl
