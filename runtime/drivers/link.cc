#include "runtime/drivers/link.h"

#include <string>
#include <utility>

namespace ferry::drivers {

using transports::Io;
using transports::IoResult;

Link::Link(std::unique_ptr<transports::Lane> lane, const protocol::Session::Options& options)
    : lane_(std::move(lane)),
      session_(options),
      source_([this](std::size_t count, std::vector<UniqueFd>& into) {
        return lane_->take_descriptors(count, into);
      }) {}

Link::~Link() = default;

Link::Flush Link::flush() {
  if (!end_.ok()) return Flush::kEnded;
  while (session_.output(output_)) {
    const IoResult io = lane_->write(output_.bytes, output_.descriptors);
    if (io.outcome == Io::kDone) {
      session_.written(io.bytes);
      continue;
    }
    if (io.outcome == Io::kWouldBlock) {
      blocked_.store(true, std::memory_order_relaxed);
      return Flush::kBlocked;
    }
    // The peer may be gone while what it had answered still waits to be read: the reader decides
    // when the connection has ended. Until then there is nothing more to write.
    blocked_.store(false, std::memory_order_relaxed);
    return Flush::kEnded;
  }
  blocked_.store(false, std::memory_order_relaxed);
  return Flush::kDone;
}

void Link::end_with(Status why) {
  if (end_.ok())
    end_ = why.ok() ? Status::unavailable("the connection was closed") : std::move(why);
  blocked_.store(false, std::memory_order_relaxed);
}

void Link::end_undeclared() {
  end_with(Status::invalid_argument(
      "the peer broke the protocol: it sent descriptors that no frame declares"));
}

bool Link::next_event(protocol::Bytes& rest, protocol::Event& event) {
  if (rest.empty()) return false;
  auto more = session_.next(rest, {}, source_, event);
  if (!more) {
    end_with(more.status().with_context("the peer broke the protocol"));
    return false;
  }
  return *more;
}

Status Link::lane_end(Io outcome) const {
  const Status why = lane_->failure();
  if (!why.ok()) return why;
  return outcome == Io::kClosed ? Status::unavailable("the peer closed the connection")
                                : Status::unavailable("the lane failed without giving a reason");
}

}  // namespace ferry::drivers
