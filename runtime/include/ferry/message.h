// MessageBuilder and MessageReader: parameters and results in message form, Cap'n Proto's own
// builders and readers, without a copy and, for a small message, without an allocation.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <capnp/any.h>
#include <kj/exception.h>

#include <ferry/attach.h>
#include <ferry/status.h>
#include <ferry/support/raw_message.h>

namespace ferry {

// A message whose root is the struct `P`, being built. Descriptors go in with attach().
//
//   MessageBuilder<demo::Files::OpenParams> request;
//   request->setPath("reports/may.txt");
//   auto reply = files.open(request);
//
// Small messages stand inside the object: make it where it is used. Sending moves its descriptors
// out, so a message that had any can't be sent twice. Thread safety: none.
template <typename P>
class MessageBuilder {
 public:
  using Builder = typename P::Builder;

  MessageBuilder() : raw_(own_.emplace()), root_(raw_.root().template initAs<P>()) {}
  // For generated code: fills `raw`, which must outlive this.
  explicit MessageBuilder(support::RawBuilder& raw)
      : raw_(raw), root_(raw_.root().template initAs<P>()) {}
  MessageBuilder(const MessageBuilder&) = delete;
  MessageBuilder& operator=(const MessageBuilder&) = delete;

  Builder* operator->() noexcept { return &root_; }
  Builder& operator*() noexcept { return root_; }
  [[nodiscard]] Builder root() noexcept { return root_; }

  // Replaces the whole content by a deep copy of `from`, its descriptors included: those then stand
  // for the same attachments, so whoever sends or takes one first has it. INVALID_ARGUMENT when
  // `from` is part of a received message that is broken.
  Status copy(typename P::Reader from) {
    try {
      raw_.root().template setAs<P>(from);
      root_ = raw_.root().template getAs<P>();
      return {};
    } catch (const kj::Exception& error) {
      root_ = raw_.root().template initAs<P>();
      return Status::invalid_argument(std::string("copy a message: ") +
                                      error.getDescription().cStr());
    }
  }

  // For generated code.
  [[nodiscard]] support::RawBuilder& raw() noexcept { return raw_; }

 private:
  std::optional<support::RawBuilder> own_;
  support::RawBuilder& raw_;
  Builder root_;
};

// A received message whose root is the struct `R`; what it holds was checked before anybody sees
// it. Descriptors come out with take(); those not taken are closed with the message.
//
// A client's owns the memory of its reply, and with it flow-control credit: once what a client
// keeps comes to limits::kConnectionWindowBytes, further replies on that channel wait until it lets
// go of some, so give such calls a deadline. A handler's is lent for the duration of the call.
// Movable; readers got from it before are not valid after the move (texts and data of a client's
// are).
//
// The same field may be read a few times over, not endlessly (limits::kTraversals): getters throw
// kj::Exception then. Thread safety: none.
template <typename R>
class MessageReader {
 public:
  using Reader = typename R::Reader;

  // For generated code: an empty one, whose raw() is to be opened, then bind().
  MessageReader() noexcept : own_(std::in_place) {}
  // For generated code: reads `raw`, which must outlive this. Then bind().
  explicit MessageReader(support::RawReader& raw) noexcept : lent_(&raw) {}
  MessageReader(MessageReader&& other) noexcept
      : own_(std::move(other.own_)), lent_(std::exchange(other.lent_, nullptr)) {
    rebind(other);
  }
  MessageReader& operator=(MessageReader&& other) noexcept {
    if (this == &other) return *this;
    own_ = std::move(other.own_);
    lent_ = std::exchange(other.lent_, nullptr);
    rebind(other);
    return *this;
  }

  const Reader* operator->() const noexcept { return &root_; }
  const Reader& operator*() const noexcept { return root_; }
  [[nodiscard]] Reader root() const noexcept { return root_; }

  // For generated code.
  [[nodiscard]] support::RawReader& raw() noexcept { return own_ ? *own_ : *lent_; }
  // Finds the root of what raw() has opened. INVALID_ARGUMENT when there is no such struct.
  Status bind() {
    try {
      root_ = raw().root().template getAs<R>();
      return {};
    } catch (const kj::Exception& error) {
      root_ = Reader();
      return Status::invalid_argument(std::string("read a message: ") +
                                      error.getDescription().cStr());
    }
  }

 private:
  // What is lent stays where it is. The same bytes could be read in their old place, so binding
  // can't fail here.
  void rebind(MessageReader& other) noexcept {
    root_ = std::exchange(other.root_, Reader());
    if (own_) static_cast<void>(bind());
  }

  // One of the two.
  std::optional<support::RawReader> own_;
  support::RawReader* lent_ = nullptr;
  Reader root_;
};

}  // namespace ferry
