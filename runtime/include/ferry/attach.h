// attach() and take(): how a message in message form holds descriptors.
//
//   builder->setFile(ferry::attach(std::move(fd)));         // gives the descriptor to the message
//   Result<UniqueFd> file = ferry::take(reader->getFile()); // and takes it out of one
//
// In a Cap'n Proto message a descriptor is a capability pointer of type ferry::rpc::Fd or of an
// interface that extends it. It is never called: whoever calls it gets a broken promise.
#pragma once

#include <concepts>

#include <capnp/capability.h>

#include <ferry/result.h>
#include <ferry/rpc.capnp.h>
#include <ferry/unique_fd.h>

namespace ferry {

// A descriptor on its way into a message. Converts to the client type of rpc::Fd and of every
// interface that extends it; each client made from it, and each copy of one, stands for the same
// descriptor, which is closed with the last of them.
// Thread safety: none; but clients of one attachment may be copied and dropped in several threads.
class Attachment {
 public:
  // For ferry itself: see attach().
  explicit Attachment(kj::Own<capnp::ClientHook>&& hook) noexcept : hook_(kj::mv(hook)) {}
  Attachment(Attachment&&) noexcept = default;
  Attachment& operator=(Attachment&&) noexcept = default;
  ~Attachment() noexcept = default;

  template <typename Client>
  requires std::derived_from<Client, rpc::Fd::Client>
  operator Client() {  // NOLINT(google-explicit-constructor): setFile(attach(fd)) is the point
    return Client(hook_->addRef());
  }

 private:
  kj::Own<capnp::ClientHook> hook_;
};

// Gives `fd` to a message. One descriptor may stand in one message once; to send it in two, or
// twice, attach a duplicate(). An invalid `fd` makes an attachment that sending refuses.
[[nodiscard]] Attachment attach(UniqueFd fd);

// Moves the descriptor out of the message it came in (or was attached to): the caller's own from
// then on. FAILED_PRECONDITION when it was taken before, or the pointer is null or none of ours.
// Two threads may race for one descriptor: one gets it.
[[nodiscard]] Result<UniqueFd> take(const capnp::Capability::Client& client);

// The descriptor behind `client`, lent while the message lives and nobody takes it; -1 when there
// is none.
[[nodiscard]] int fd_of(const capnp::Capability::Client& client) noexcept;

}  // namespace ferry
