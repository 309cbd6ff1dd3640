#include "runtime/drivers/client_connection.h"

#include <cassert>
#include <time.h>
#include <utility>

#include "runtime/drivers/copy_buffer.h"
#include "runtime/drivers/fork_guard.h"
#include "runtime/drivers/waiting.h"

namespace ferry::drivers {

using transports::Io;
using transports::IoResult;
using transports::kNever;
using transports::TimePoint;

namespace {

// Reply buffers kept for reuse: as many as threads usually share a channel, none of them large.
constexpr std::size_t kFreeReplies = 64;
constexpr std::size_t kFreeReplyBytes = limits::kChunkBytes;

// A connection unused for this long is looked at before it is used again: the server may have been
// restarted, and then the call belongs on a new connection. Shorter pauses don't pay the look.
constexpr std::int64_t kPauseNs = 100'000'000;

// Nanoseconds of CLOCK_MONOTONIC_COARSE: a few ns to read, a few ms exact.
std::int64_t coarse_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

// One call in flight, on its caller's stack.
struct ClientConnection::Pending {
  explicit Pending(support::WireMessage& into) : reply(into) {}

  protocol::CallId id = 0;
  bool done = false;
  Outcome outcome;
  support::WireMessage& reply;
  std::condition_variable wake;  // done, or the reader's role is free
  Pending* next = nullptr;       // in its bucket
};

// The memory of one reply. Belongs to whoever holds the WireMessage, or to the free list.
class ClientConnection::Reply final : public support::MessageStorage {
 public:
  void recycle() noexcept override {
    if (connection->in_forked_child()) return;  // the parent's, with its locks: left as it is
    const auto keep_alive = std::move(connection);
    keep_alive->recycle(this);
  }

  // Takes `message` over: small ones are copied out of the input, large ones are theirs already.
  void hold(std::shared_ptr<ClientConnection> owner, protocol::IncomingMessage& message,
            support::WireMessage& into) {
    connection = std::move(owner);
    cost = message.cost;
    descriptors = !message.attachments.empty();
    if (message.storage) {
      large = std::move(message.storage);
      into.body = message.body;
    } else {
      into.body = small.copy(message.body);
    }
    into.segment_count = message.segment_count;
    into.attachments = std::move(message.attachments);
    into.storage.reset(this);
  }

  std::shared_ptr<ClientConnection> connection;
  std::uint32_t cost = 0;
  bool descriptors = false;
  CopyBuffer small;
  std::unique_ptr<std::uint64_t[]> large;
  Reply* next = nullptr;
};

ClientConnection::ClientConnection(std::unique_ptr<transports::Lane> lane,
                                   const protocol::Session::Options& options, Spin spin)
    : transport_(lane->transport()),
      fork_generation_(fork_generation()),
      link_(std::move(lane), options),
      spin_(spin) {}

ClientConnection::~ClientConnection() {
  assert(pending_count_ == 0);
  while (free_replies_ != nullptr) delete std::exchange(free_replies_, free_replies_->next);
}

ClientConnection::Outcome ClientConnection::call(const protocol::CallHead& head,
                                                 protocol::OutgoingMessage message,
                                                 TimePoint deadline, support::WireMessage& reply) {
  Pending call(reply);
  std::unique_lock lock(link_.mutex);
  look_after_pause();
  if (!link_.end().ok()) {
    usable_.store(false, std::memory_order_release);
    return ended(false);
  }
  auto id = link_.session().start_call(head, std::move(message));
  if (!id) return {id.status(), false, false};
  call.id = *id;
  insert(call);
  // When the lane ends before the whole message is out, the server cannot act on it.
  const bool sent = flush_or_wake_reader() != Link::Flush::kEnded;

  while (!call.done) {
    if (deadline != kNever && transports::Clock::now() >= deadline) break;
    if (!reading_) {
      reading_ = true;
      read_for(call, deadline, lock);
      reading_ = false;
    } else if (deadline == kNever) {
      call.wake.wait(lock);
    } else {
      call.wake.wait_until(lock, deadline);
    }
  }
  remove(call);
  if (!call.done) {
    // The message may not be sent yet and refers to the caller's memory: cancel() lets go of it.
    link_.session().cancel(call.id);
    flush_or_wake_reader();
    call.outcome = {Status::deadline_exceeded("no answer within the deadline"), false, true};
  }
  if (!sent && !call.outcome.from_peer) call.outcome.sent = false;
  if (!reading_) hand_over();
  return std::move(call.outcome);
}

void ClientConnection::read_for(Pending& call, TimePoint deadline,
                                std::unique_lock<std::mutex>& lock) {
  while (!call.done) {
    const bool blocked = link_.blocked();
    lock.unlock();
    const IoResult io = await_input(link_, spin_, blocked, deadline);
    lock.lock();
    switch (io.outcome) {
      case Io::kDone:
        if (io.bytes > 0) take_events();
        if (link_.session().has_output()) link_.flush();
        // Others' input may come without end.
        if (deadline != kNever && transports::Clock::now() >= deadline) return;
        break;
      case Io::kTimedOut:
        return;
      case Io::kWouldBlock:
      case Io::kInterrupted:
        break;  // somebody's output is blocked, or the connection was ended: look again
      case Io::kClosed:
      case Io::kFailed:
        end_all(link_.lane_end(io.outcome));
        break;
    }
    if (!link_.end().ok()) end_all(link_.end());
  }
}

void ClientConnection::take_events() {
  protocol::Bytes rest = link_.input().pending();
  protocol::Event event;
  while (link_.next_event(rest, event)) {
    switch (event.kind) {
      case protocol::Event::Kind::kReply:
        take_reply(event);
        break;
      case protocol::Event::Kind::kCall: {
        // A client serves nothing yet, but must answer.
        link_.session().release(event.message.cost, !event.message.attachments.empty());
        link_.session().reply(event.id, Status::unimplemented("this client serves no objects"));
        break;
      }
      case protocol::Event::Kind::kCancel:
        break;  // every call of the peer's was answered at once
      case protocol::Event::Kind::kGoAway:
        usable_.store(false, std::memory_order_release);
        break;
    }
  }
  link_.input().settle(rest);
  if (rest.empty() && link_.lane().descriptors_left()) link_.end_undeclared();
}

void ClientConnection::take_reply(protocol::Event& event) {
  Pending* call = find(event.id);
  if (call == nullptr) {  // given up since; the session has dropped what it could
    link_.session().release(event.message.cost, !event.message.attachments.empty());
    return;
  }
  call->outcome = {std::move(event.status), true, true};
  if (call->outcome.status.ok()) {
    Reply* reply = free_replies_;
    if (reply != nullptr) {
      free_replies_ = std::exchange(reply->next, nullptr);
      --free_count_;
    } else {
      reply = new Reply;
    }
    reply->hold(shared_from_this(), event.message, call->reply);
  } else {
    link_.session().release(event.message.cost, !event.message.attachments.empty());
  }
  call->done = true;
  call->wake.notify_one();
}

bool ClientConnection::in_forked_child() const noexcept {
  return fork_generation() != fork_generation_;
}

void ClientConnection::recycle(Reply* reply) noexcept {
  reply->large.reset();
  const std::lock_guard lock(link_.mutex);
  if (link_.end().ok()) {
    link_.session().release(reply->cost, reply->descriptors);
    // Only when much is owed does that make a frame of its own.
    if (link_.session().has_output()) flush_or_wake_reader();
  }
  if (free_count_ < kFreeReplies && reply->small.capacity() <= kFreeReplyBytes) {
    reply->next = std::exchange(free_replies_, reply);
    ++free_count_;
  } else {
    delete reply;
  }
}

Link::Flush ClientConnection::flush_or_wake_reader() {
  if (link_.blocked()) return Link::Flush::kBlocked;  // the reader waits for room already
  const Link::Flush flushed = link_.flush();
  // The reader waits for room as well, or finds that the lane has ended.
  if (flushed != Link::Flush::kDone && reading_) link_.lane().interrupt();
  return flushed;
}

void ClientConnection::look_after_pause() {
  const std::int64_t now = coarse_now();
  const bool paused = now - std::exchange(last_used_, now) > kPauseNs;
  if (!paused || reading_ || !link_.end().ok()) return;
  const IoResult io = link_.lane().read(link_.input().room());
  if (io.outcome == Io::kDone) {
    link_.input().filled(io.bytes);
    take_events();
    if (!link_.end().ok()) end_all(link_.end());
  } else if (io.outcome == Io::kWouldBlock) {
    const IoResult control = link_.lane().on_control_readable();
    if (control.outcome == Io::kClosed || control.outcome == Io::kFailed) {
      end_all(link_.lane_end(control.outcome));
    }
  } else {
    end_all(link_.lane_end(io.outcome));
  }
}

void ClientConnection::hand_over() {
  if (pending_count_ == 0) return;
  for (Pending* bucket : pending_) {
    for (Pending* call = bucket; call != nullptr; call = call->next) {
      if (call->done) continue;
      call->wake.notify_one();
      return;
    }
  }
}

// A caller did nothing wrong when the connection ended, whatever ended it: it may try again. What
// the machine ran out of, and what close() says, stands as it is.
ClientConnection::Outcome ClientConnection::ended(bool sent) const {
  const Status& why = link_.end();
  switch (why.code()) {
    case StatusCode::kUnavailable:
    case StatusCode::kCancelled:
    case StatusCode::kResourceExhausted:
      return {why, false, sent};
    default:
      return {Status::unavailable("the connection has ended: " + why.to_string()), false, sent};
  }
}

void ClientConnection::end_all(Status why) {
  link_.end_with(std::move(why));
  usable_.store(false, std::memory_order_release);
  for (Pending* bucket : pending_) {
    for (Pending* call = bucket; call != nullptr; call = call->next) {
      if (call->done) continue;
      call->outcome = ended(true);
      call->done = true;
      call->wake.notify_one();
    }
  }
}

bool ClientConnection::close(TimePoint deadline, const Status& why) {
  std::unique_lock lock(link_.mutex);
  const auto idle = [this] { return pending_count_ == 0; };
  if (deadline == kNever) {
    idle_.wait(lock, idle);
  } else {
    idle_.wait_until(lock, deadline, idle);
  }
  const bool had_to_end = pending_count_ != 0;
  if (link_.end().ok()) {
    link_.session().go_away(why);
    flush_or_wake_reader();
  }
  end_all(why);
  if (reading_) link_.lane().interrupt();
  idle_.wait(lock, idle);  // they are leaving: none of them can block any more
  return had_to_end;
}

void ClientConnection::insert(Pending& call) {
  Pending*& bucket = pending_[call.id % kBuckets];
  call.next = bucket;
  bucket = &call;
  ++pending_count_;
}

void ClientConnection::remove(Pending& call) {
  Pending** at = &pending_[call.id % kBuckets];
  while (*at != &call) at = &(*at)->next;
  *at = call.next;
  if (--pending_count_ == 0) idle_.notify_all();
}

ClientConnection::Pending* ClientConnection::find(protocol::CallId id) {
  for (Pending* call = pending_[id % kBuckets]; call != nullptr; call = call->next) {
    if (call->id == id) return call;
  }
  return nullptr;
}

}  // namespace ferry::drivers
