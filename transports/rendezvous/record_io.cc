#include "transports/rendezvous/record_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "transports/sys/scm.h"

namespace ferry::transports {

namespace {

// A body's memory grows in such steps, so that a length that lies costs nothing.
constexpr std::size_t kGrowWords = 1024;

bool passes_credentials(int socket) noexcept {
  int passes = 0;
  socklen_t size = sizeof(passes);
  return ::getsockopt(socket, SOL_SOCKET, SO_PASSCRED, &passes, &size) == 0 && passes != 0;
}

}  // namespace

Progress RecordReader::advance(int socket) {
  if (!failure_.ok()) return Progress::kFailed;
  if (!header_) {
    const Progress progress = read_header(socket);
    if (progress != Progress::kWhole) return progress;
  }
  return read_body(socket);
}

void RecordReader::reset() {
  header_.reset();
  body_.clear();
  filled_ = 0;
  descriptors_.clear();
  sender_.reset();
}

Progress RecordReader::read_header(int socket) {
  while (filled_ < kHeaderBytes) {
    const Progress progress = receive(socket, std::span(header_bytes_).subspan(filled_));
    if (progress != Progress::kWhole) return progress;
  }
  auto header = decode_header(header_bytes_);
  is_ferry_ = header.status().code() != StatusCode::kUnavailable;
  if (!header) return fail(header.status());
  header_ = *header;
  filled_ = 0;
  if (header->descriptors > most_descriptors_) {
    return fail(Status::invalid_argument(
        "a handshake record declares " + std::to_string(header->descriptors) +
        " descriptors, at most " + std::to_string(most_descriptors_) + " may come"));
  }
  return Progress::kWhole;
}

Progress RecordReader::read_body(int socket) {
  const std::size_t words = header_->body_bytes / sizeof(std::uint64_t);
  while (filled_ < header_->body_bytes) {
    if (filled_ == body_.size() * sizeof(std::uint64_t)) {
      body_.resize(std::min(words, body_.size() + kGrowWords));
    }
    const Progress progress =
        receive(socket, std::as_writable_bytes(std::span(body_)).subspan(filled_));
    if (progress != Progress::kWhole) return progress;
  }
  if (descriptors_.size() != header_->descriptors) {
    return fail(Status::invalid_argument(
        "a handshake record declares " + std::to_string(header_->descriptors) +
        " descriptors, but brought " + std::to_string(descriptors_.size())));
  }
  return Progress::kWhole;
}

Progress RecordReader::receive(int socket, std::span<std::byte> into) {
  iovec part{into.data(), into.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) +
                                        CMSG_SPACE(sizeof(int) * limits::kOfferDescriptors)>
      control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  // No room for descriptors that nobody may send: the kernel then never installs them. Credentials
  // come first, where the socket passes them; where it does not, their room would take four
  // descriptors.
  message.msg_controllen = most_descriptors_ > 0        ? control.size()
                           : passes_credentials(socket) ? CMSG_SPACE(sizeof(ucred))
                                                        : 0;
  ssize_t received = 0;
  do {
    received = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0) {
    if (errno == EAGAIN) return Progress::kAgain;
    if (errno == ECONNRESET) return Progress::kClosed;
    return fail(Status::from_errno(errno, "read the handshake"));
  }
  if (received == 0) return Progress::kClosed;
  filled_ += static_cast<std::size_t>(received);
  return take_control(socket, message) ? Progress::kWhole : Progress::kFailed;
}

// Every descriptor that the kernel installed is ours from here on, whatever else is wrong (F9).
bool RecordReader::take_control(int socket, msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    const std::size_t bytes = part->cmsg_len - CMSG_LEN(0);
    if (part->cmsg_type == SCM_CREDENTIALS && bytes >= sizeof(ucred)) {
      ucred credentials{};
      std::memcpy(&credentials, CMSG_DATA(part), sizeof(credentials));
      if (!sender_) sender_ = credentials;
    } else if (part->cmsg_type == SCM_RIGHTS) {
      for (std::size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part) + at, sizeof(fd));
        descriptors_.emplace_back(fd);
      }
    }
  }
  const bool cut = (message.msg_flags & MSG_CTRUNC) != 0;
  if (!cut && descriptors_.size() <= most_descriptors_) return true;
  if (cut && descriptors_.size() < most_descriptors_) {
    fail(sys::lost_descriptors(socket));  // there was room for more: the kernel had to drop some
  } else {
    fail(Status::invalid_argument("more descriptors came with a handshake record than the " +
                                  std::to_string(most_descriptors_) + " that may"));
  }
  return false;
}

Progress RecordReader::fail(Status why) {
  failure_ = std::move(why);
  descriptors_.clear();
  return Progress::kFailed;
}

void RecordWriter::start(std::string record, std::vector<int> descriptors) {
  record_ = std::move(record);
  descriptors_ = std::move(descriptors);
  written_ = 0;
  failure_ = {};
}

Progress RecordWriter::advance(int socket) {
  while (pending()) {
    iovec part{record_.data() + written_, record_.size() - written_};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * limits::kOfferDescriptors)>
        control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (written_ == 0 && !descriptors_.empty()) {
      const std::size_t bytes = sizeof(int) * descriptors_.size();
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(bytes);
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(bytes);
      std::memcpy(CMSG_DATA(rights), descriptors_.data(), bytes);
    }
    const ssize_t sent = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      written_ += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN) {
      return Progress::kAgain;
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return Progress::kClosed;
    } else if (errno != EINTR) {
      failure_ = Status::from_errno(errno, "write the handshake");
      return Progress::kFailed;
    }
  }
  return Progress::kWhole;
}

}  // namespace ferry::transports
