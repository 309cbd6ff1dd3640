// The descriptors of a message: how generated code encodes, finds, checks and decodes them.
// For generated code and ferry itself; not for users.
//
// Generated code walks a message once, from its root, and calls DescriptorVisitor::visit() for
// every pointer whose type is Fd (or extends it) and that the schema sees as live: arms of a union
// that are not active are left out.
//
//   sender:    DescriptorCollector collector(builder);     after the message is built
//              status = walk(collector, root_reader, Place("open"));
//              if (status.ok()) status = collector.finish();
//   receiver:  DescriptorChecker checker(reader);          before a handler or caller sees it
//              status = walk(checker, root_reader, Place("open"));
//              if (status.ok()) status = checker.finish();
//
// Reading a peer's message may throw kj::Exception: the walk stands inside a catch. visit() and
// visit_untyped() themselves turn what their own pointer throws into a Status that names the place.
#pragma once

#include <cstdint>
#include <vector>

#include <capnp/any.h>
#include <capnp/capability.h>

#include <ferry/attach.h>
#include <ferry/result.h>
#include <ferry/support/fd_rule.h>
#include <ferry/support/raw_message.h>
#include <ferry/unique_fd.h>

namespace ferry::support {

// Called for every live descriptor pointer of one message. Thread safety: none.
class DescriptorVisitor {
 public:
  DescriptorVisitor(const DescriptorVisitor&) = delete;
  DescriptorVisitor& operator=(const DescriptorVisitor&) = delete;
  virtual ~DescriptorVisitor() = default;

  // `present`: the pointer is not null, `reader.hasFile()`. `get` returns its client, as in
  // `[&] { return reader.getFile(); }`, and is called only when present. `rule` is that of the
  // pointer's type.
  template <typename Get>
  [[nodiscard]] Status visit(bool present, Get&& get, const FdRule& rule, const Place& where) {
    if (!present) return on_null(rule, where);
    try {
      return on_client(get(), rule, where);
    } catch (const kj::Exception& error) {
      return unreadable(error, where);
    }
  }

  // Everything below a pointer whose type is not known when code is generated (AnyPointer, an
  // unbound generic parameter): visits each capability pointer in it, with `rule`. Null pointers
  // mean nothing here and are passed over.
  [[nodiscard]] Status visit_untyped(capnp::AnyPointer::Reader pointer, const FdRule& rule,
                                     const Place& where);

 protected:
  DescriptorVisitor() = default;

  virtual Status on_client(capnp::Capability::Client client, const FdRule& rule,
                           const Place& where) = 0;

 private:
  static Status on_null(const FdRule& rule, const Place& where);
  static Status unreadable(const kj::Exception& error, const Place& where);
};

// The sender's: checks each descriptor against its rules and fills RawBuilder::attachments().
class DescriptorCollector final : public DescriptorVisitor {
 public:
  explicit DescriptorCollector(RawBuilder& message) noexcept : message_(message) {}

  // Moves the visited descriptors out of the message into its attachments(). Nothing is moved when
  // it fails: INVALID_ARGUMENT when one attachment stands in the message twice, RESOURCE_EXHAUSTED
  // when there are more than limits::kDescriptors or slots than limits::kAttachmentSlots.
  [[nodiscard]] Status finish();

 private:
  Status on_client(capnp::Capability::Client client, const FdRule& rule,
                   const Place& where) override;

  RawBuilder& message_;
  std::vector<const capnp::ClientHook*> live_;  // in the order they were visited
  std::size_t count_ = 0;                       // of all, also those above the limit
};

// The receiver's: every pointer has an attachment of its own that obeys the rules.
class DescriptorChecker final : public DescriptorVisitor {
 public:
  explicit DescriptorChecker(RawReader& message) noexcept : message_(message) {}

  // Closes the attachments that nobody pointed to (fields we do not know).
  [[nodiscard]] Status finish();

 private:
  Status on_client(capnp::Capability::Client client, const FdRule& rule,
                   const Place& where) override;

  RawReader& message_;
  std::vector<const capnp::ClientHook*> live_;
};

// Encoding an argument: `arg` as an attachment, moved when given, duplicated when lent. `arg` is
// valid. RESOURCE_EXHAUSTED names RLIMIT_NOFILE and its value when the table is full.
[[nodiscard]] Result<Attachment> attach_argument(const FdArg& arg, const Place& where);

// Decoding: the descriptor behind `client` where it stands in its message, for a handler's FdArg;
// it lives as long as the message. nullptr for a client that is no attachment.
[[nodiscard]] UniqueFd* attached(const capnp::Capability::Client& client) noexcept;

}  // namespace ferry::support
