// Flow control of one direction: how much may be on its way that the receiver has not released.
//
// A message costs its bytes and kMessageOverhead, all of it when it starts. It may start when it
// fits into what is left of the window, or when at least half of the window is left, whatever its
// size: so a message larger than the window gets through. Half, and not the whole, because the
// receiver sends credit of its own accord only when half a window is owed; were the whole needed, a
// large message could wait for ever for credit that nobody is about to send.
// So at most half a window and one message of the largest size, or one window, are ever unreleased.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include <ferry/limits.h>
#include <ferry/status.h>

namespace ferry::protocol {

// What a header gives back.
struct Credit {
  std::uint32_t bytes = 0;
  std::uint8_t descriptor_messages = 0;
};

// The sender's end.
class SendWindow {
 public:
  explicit SendWindow(std::uint32_t window) noexcept : window_(window), available_(window) {}

  [[nodiscard]] bool may_start(std::uint32_t cost, bool with_descriptors) const noexcept {
    if (with_descriptors && descriptor_messages_ == 0) return false;
    return available_ >= cost || available_ >= window_ / 2;
  }
  void start(std::uint32_t cost, bool with_descriptors) noexcept {
    available_ -= cost;
    if (with_descriptors) --descriptor_messages_;
  }
  // A started message was given up before any of it was sent.
  void undo(std::uint32_t cost, bool with_descriptors) noexcept {
    available_ += cost;
    if (with_descriptors) ++descriptor_messages_;
  }

  // The peer gives back.
  [[nodiscard]] Status add(Credit credit) {
    available_ += credit.bytes;
    descriptor_messages_ += credit.descriptor_messages;
    if (available_ <= window_ && descriptor_messages_ <= limits::kUnreadDescriptorMessages) {
      return {};
    }
    return Status::invalid_argument("the peer gave back more credit (" +
                                    std::to_string(credit.bytes) + " bytes, " +
                                    std::to_string(credit.descriptor_messages) +
                                    " messages with descriptors) than it had been charged");
  }

  [[nodiscard]] std::int64_t available() const noexcept { return available_; }
  [[nodiscard]] std::uint32_t descriptor_messages() const noexcept { return descriptor_messages_; }

 private:
  std::int64_t window_;
  std::int64_t available_;  // below zero while a message over what was left is on its way
  std::uint32_t descriptor_messages_ = limits::kUnreadDescriptorMessages;
};

// The receiver's end: checks the sender by the same rule. It may trust its own count, because it
// counts credit as given when it is put into a header, so earlier than the sender learns of it.
class ReceiveWindow {
 public:
  explicit ReceiveWindow(std::uint32_t window) noexcept : window_(window) {}

  // The peer started a message.
  [[nodiscard]] Status charge(std::uint32_t cost, bool with_descriptors) {
    const std::int64_t left = window_ - charged_;
    if (left < cost && left < window_ / 2) {
      return Status::resource_exhausted("the peer started a message of cost " +
                                        std::to_string(cost) + " with " + std::to_string(left) +
                                        " left of its window of " + std::to_string(window_));
    }
    if (with_descriptors && charged_descriptors_ == limits::kUnreadDescriptorMessages) {
      return Status::resource_exhausted(
          "the peer sent descriptors while " + std::to_string(charged_descriptors_) +
          " messages with descriptors were not released, which is the limit");
    }
    charged_ += cost;
    if (with_descriptors) ++charged_descriptors_;
    return {};
  }

  void release(std::uint32_t cost, bool with_descriptors) noexcept {
    owed_ += cost;
    if (with_descriptors) ++owed_descriptors_;
  }

  // Enough is owed for a frame of its own.
  [[nodiscard]] bool due() const noexcept {
    return (owed_ > 0 && owed_ >= window_ / 2) ||
           owed_descriptors_ >= limits::kUnreadDescriptorMessages / 2;
  }
  // All that is owed, to be put into the header of the next frame.
  [[nodiscard]] Credit take() noexcept {
    Credit credit;
    credit.bytes = static_cast<std::uint32_t>(
        std::min<std::int64_t>(owed_, std::numeric_limits<std::uint32_t>::max()));
    credit.descriptor_messages = static_cast<std::uint8_t>(owed_descriptors_);
    owed_ -= credit.bytes;
    charged_ -= credit.bytes;
    charged_descriptors_ -= owed_descriptors_;
    owed_descriptors_ = 0;
    return credit;
  }

  // Started by the peer and not given back; what is released but not yet sent counts.
  [[nodiscard]] std::int64_t charged() const noexcept { return charged_; }
  [[nodiscard]] std::int64_t owed() const noexcept { return owed_; }
  [[nodiscard]] std::uint32_t charged_descriptors() const noexcept { return charged_descriptors_; }

 private:
  std::int64_t window_;
  std::int64_t charged_ = 0;
  std::int64_t owed_ = 0;
  std::uint32_t charged_descriptors_ = 0;
  std::uint32_t owed_descriptors_ = 0;
};

static_assert(limits::kUnreadDescriptorMessages <= 255, "descriptor credit is one byte");

}  // namespace ferry::protocol
