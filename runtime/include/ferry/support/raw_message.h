// RawBuilder and RawReader: an untyped Cap'n Proto message with its descriptors.
// For generated code and ferry itself; not for users.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <capnp/any.h>
#include <capnp/capability.h>
#include <capnp/message.h>

#include <ferry/limits.h>
#include <ferry/result.h>
#include <ferry/support/wire_message.h>

namespace ferry::support {

// The memory a message is built in: the scratch space of this object first, then the heap, each
// segment as large as all before it. Thread safety: none.
class ScratchMessage final : public capnp::MessageBuilder {
 public:
  ScratchMessage() noexcept = default;
  ~ScratchMessage() noexcept override = default;
  ScratchMessage(const ScratchMessage&) = delete;
  ScratchMessage& operator=(const ScratchMessage&) = delete;

  kj::ArrayPtr<capnp::word> allocateSegment(unsigned minimum_words) override;

 private:
  static constexpr std::size_t kWords = limits::kScratchBytes / sizeof(capnp::word);
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };

  std::size_t words_ = 0;  // allocated so far
  std::vector<std::unique_ptr<void, Free>> heap_;
  alignas(8) capnp::word scratch_[kWords];  // zeroed when it is used
};

// A message being built. Up to limits::kScratchBytes it stands on the stack (in this object), so
// that a small call allocates nothing. Thread safety: none.
class RawBuilder {
 public:
  RawBuilder();
  ~RawBuilder() noexcept;
  RawBuilder(const RawBuilder&) = delete;
  RawBuilder& operator=(const RawBuilder&) = delete;

  // The root pointer; capability pointers below it go to this message's own table.
  [[nodiscard]] capnp::AnyPointer::Builder root();
  // The root as a reader that sees the same table (to check and collect descriptors).
  [[nodiscard]] capnp::AnyPointer::Reader root_reader();

  // What to send: the segments (they stay valid until this object changes or goes).
  [[nodiscard]] std::span<const Bytes> segments();
  // The descriptors that were collected; empty until DescriptorCollector::finish() ran.
  [[nodiscard]] Attachments& attachments() noexcept { return attachments_; }
  // What stands in each slot of the table; nullptr for one that was overwritten.
  [[nodiscard]] std::vector<capnp::ClientHook*> hooks();

 private:
  ScratchMessage builder_;
  capnp::BuilderCapabilityTable table_;  // allocates with the first capability
  std::vector<Bytes> many_segments_;
  Bytes one_segment_;
  Attachments attachments_;
};

// A received message. Thread safety: none.
//
// Movable, but struct and list readers taken from it before it is moved are not valid afterwards:
// take them from the new one.
class RawReader {
 public:
  RawReader() noexcept;
  ~RawReader() noexcept;
  RawReader(RawReader&& other) noexcept;
  RawReader& operator=(RawReader&& other) noexcept;

  // Takes a message over, in place of any that was there. INVALID_ARGUMENT when its segment table
  // or its list of attachments lies. Limits (traversal, nesting) are set from its size.
  [[nodiscard]] Status open(WireMessage&& message);
  // The root pointer; capability pointers below it are descriptors of this message. Null before
  // open(). May throw kj::Exception, as may all that is read through it: only inside the typed
  // layer's catch.
  [[nodiscard]] capnp::AnyPointer::Reader root();
  // What came with the message, in the order of its slots.
  [[nodiscard]] std::vector<capnp::ClientHook*> hooks();

 private:
  struct Table;  // made for messages with descriptors only

  [[nodiscard]] Status find_segments();
  [[nodiscard]] Status make_table();
  void make_reader() noexcept;

  WireMessage message_;
  kj::ArrayPtr<const capnp::word> one_segment_;
  std::vector<kj::ArrayPtr<const capnp::word>> many_segments_;
  std::optional<capnp::SegmentArrayMessageReader> reader_;
  std::unique_ptr<Table> table_;
};

}  // namespace ferry::support
