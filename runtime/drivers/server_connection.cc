#include "runtime/drivers/server_connection.h"

#include <cassert>
#include <utility>

namespace ferry::drivers {

namespace {

// Calls kept for reuse; none with a large buffer.
constexpr std::size_t kFreeCalls = 64;
constexpr std::size_t kFreeCallBytes = limits::kChunkBytes;

thread_local int handlers_on_this_thread = 0;

struct HandlerScope {
  HandlerScope() { ++handlers_on_this_thread; }
  ~HandlerScope() { --handlers_on_this_thread; }
  HandlerScope(const HandlerScope&) = delete;
  HandlerScope& operator=(const HandlerScope&) = delete;
};

}  // namespace

bool inside_handler() noexcept { return handlers_on_this_thread > 0; }

ServerConnection::ServerConnection(std::unique_ptr<transports::Lane> lane,
                                   const protocol::Session::Options& options, Peer peer,
                                   const Environment& environment,
                                   std::function<void()> room_wanted)
    : transport_(lane->transport()),
      peer_(peer),
      environment_(environment),
      room_wanted_(std::move(room_wanted)),
      link_(std::move(lane), options) {}

ServerConnection::~ServerConnection() {
  assert(active_ == nullptr);
  while (free_ != nullptr) delete std::exchange(free_, free_->next_);
}

bool ServerConnection::take_input() {
  protocol::Bytes rest = link_.input().pending();
  protocol::Event event;
  bool more = true;
  bool output = false;
  while (more && !rest.empty()) {
    ServerCall* call = nullptr;
    {
      const std::lock_guard lock(link_.mutex);
      more = link_.end().ok() && link_.next_event(rest, event);
      output = link_.session().has_output() || !link_.end().ok();
      if (!more) break;
      switch (event.kind) {
        case protocol::Event::Kind::kCall:
          call = &accept(event);
          break;
        case protocol::Event::Kind::kCancel:
          for (ServerCall* at = active_; at != nullptr; at = at->next_) {
            if (at->id_ == event.id) at->cancelled_.store(true, std::memory_order_relaxed);
          }
          break;
        case protocol::Event::Kind::kReply:  // a server calls nobody yet
        case protocol::Event::Kind::kGoAway:
          break;
      }
    }
    // Calls that came together are answered together: with the last of them.
    const bool last = rest.empty();
    if (call != nullptr && !serve(*call, last)) output = !last;
  }
  link_.input().settle(rest);
  if (rest.empty() && link_.lane().descriptors_left()) {
    const std::lock_guard lock(link_.mutex);
    link_.end_undeclared();
    return false;
  }
  // Workers write their own replies: taking the lock to find nothing would only be in their way.
  return !output || flush();
}

bool ServerConnection::flush() {
  const std::lock_guard lock(link_.mutex);
  write_output();
  return link_.end().ok();
}

// While output is blocked the reader waits for room, and so is in the lane's writing half.
void ServerConnection::flush_unless_blocked() {
  if (!link_.blocked()) write_output();
}

void ServerConnection::write_output() {
  if (!link_.session().has_output() || !link_.end().ok()) return;
  const bool was_blocked = link_.blocked();
  const Link::Flush flushed = link_.flush();
  const bool newly_blocked = flushed == Link::Flush::kBlocked && !was_blocked;
  // A lane that takes no more is at its end: the reader finds that, if it looks.
  if (newly_blocked || flushed == Link::Flush::kEnded) room_wanted_();
}

void ServerConnection::lane_ended(transports::Io outcome) {
  const std::lock_guard lock(link_.mutex);
  // A peer that dies with our bytes unread is a failure that says UNAVAILABLE.
  peer_left_ = link_.end().ok() && (outcome == transports::Io::kClosed ||
                                    link_.lane().failure().code() == StatusCode::kUnavailable);
  link_.end_with(link_.lane_end(outcome));
}

Status ServerConnection::end(bool& peer_left) {
  const std::lock_guard lock(link_.mutex);
  peer_left = peer_left_;
  return link_.end();
}

void ServerConnection::say_goodbye(const Status& why) {
  const std::lock_guard lock(link_.mutex);
  if (!link_.end().ok()) return;
  link_.session().go_away(why);
  flush_unless_blocked();
}

void ServerConnection::abandon_calls() { gone_.store(true, std::memory_order_relaxed); }

void ServerConnection::cancel_calls(const Status& why) {
  gone_.store(true, std::memory_order_relaxed);
  const std::lock_guard lock(link_.mutex);
  for (ServerCall* call = active_; call != nullptr; call = call->next_) {
    if (call->answered_ || !link_.end().ok()) continue;
    link_.session().reply(call->id_, why);
    call->answered_ = true;
  }
  flush_unless_blocked();
}

std::size_t ServerConnection::calls_in_flight() {
  const std::lock_guard lock(link_.mutex);
  return active_count_;
}

bool ServerConnection::drained() {
  const std::lock_guard lock(link_.mutex);
  if (active_count_ != 0) return false;
  const protocol::Session& session = link_.session();
  return !link_.end().ok() ||
         (session.calls_in() == 0 && !session.has_output() && session.messages_waiting() == 0);
}

ServerCall& ServerConnection::accept(protocol::Event& event) {
  ServerCall* call = free_;
  if (call != nullptr) {
    free_ = call->next_;
    --free_count_;
  } else {
    call = new ServerCall;
  }
  call->connection_ = shared_from_this();
  call->registration_ = environment_.services.find(event.head.instance);
  call->id_ = event.id;
  call->head_ = event.head;
  call->deadline_ = event.head.time_left.count() > 0
                        ? transports::deadline_after(event.head.time_left)
                        : transports::kNever;
  call->cancelled_.store(false, std::memory_order_relaxed);
  call->answered_ = false;
  call->cost_ = event.message.cost;
  call->descriptors_ = !event.message.attachments.empty();
  call->request_.body = event.message.body;
  call->request_.segment_count = event.message.segment_count;
  call->request_.attachments = std::move(event.message.attachments);
  call->large_ = std::move(event.message.storage);
  call->previous_ = nullptr;
  call->next_ = active_;
  if (active_ != nullptr) active_->previous_ = call;
  active_ = call;
  ++active_count_;
  return *call;
}

bool ServerConnection::serve(ServerCall& call, bool flush_now) {
  if (call.registration_ == nullptr) {
    answer(call,
           Status::unimplemented("the server has no service instance " +
                                 std::to_string(call.head_.instance)),
           flush_now);
    return false;
  }
  if (call.registration_->options.executor == Executor::kInline) {
    answer(call, judged(call, dispatch(call)), flush_now);
    return false;
  }
  call.keep_body();
  const Status queued = environment_.pool.submit(call);
  if (!queued.ok()) answer(call, queued, flush_now);
  return queued.ok();
}

Status ServerConnection::dispatch(ServerCall& call) {
  call.builder_.emplace();
  call.reader_.emplace();
  Status status = call.reader_->open(std::move(call.request_));
  if (!status.ok()) return status;
  const HandlerScope scope;
  return call.registration_->service->ferry_dispatch(call.head_.interface_id, call.head_.method,
                                                     call, *call.reader_, *call.builder_);
}

// After its deadline a call ends one way, whatever its handler made of that.
Status ServerConnection::judged(const ServerCall& call, Status status) {
  if (call.deadline_ == transports::kNever || transports::Clock::now() < call.deadline_) {
    return status;
  }
  return Status::deadline_exceeded("the deadline passed before the call was done");
}

void ServerConnection::answer(ServerCall& call, const Status& status, bool flush_now) {
  // Outlives the call's own reference, which send_reply() may drop.
  const std::shared_ptr<ServerConnection> keep_alive = std::move(call.connection_);
  // The request, and descriptors that the handler did not take, go before the caller learns the
  // end.
  call.reader_.reset();
  call.request_ = support::WireMessage();
  call.large_.reset();
  const std::lock_guard lock(link_.mutex);
  link_.session().release(call.cost_, call.descriptors_);
  send_reply(call, status);
  if (flush_now) flush_unless_blocked();
}

void ServerConnection::send_reply(ServerCall& call, const Status& status) {
  if (!status.ok() || call.answered_ || !link_.end().ok()) {
    if (link_.end().ok() && !call.answered_) link_.session().reply(call.id_, status);
    retire(call);
    return;
  }
  protocol::OutgoingMessage message;
  message.segments = call.builder_->segments();
  message.attachments = std::move(call.builder_->attachments());
  if (protocol::message_bytes(message.segments) <= limits::kChunkBytes) {
    // Replaced by the status that says why when it cannot be sent: the caller learns it, not we.
    static_cast<void>(link_.session().reply(call.id_, std::move(message)));
    retire(call);
    return;
  }
  // The session refers to a large reply until it is sent: the call lives until then.
  unlink(call);
  message.owner = std::shared_ptr<ServerCall>(&call);
  static_cast<void>(link_.session().reply(call.id_, std::move(message)));
}

void ServerConnection::unlink(ServerCall& call) {
  --active_count_;
  if (call.previous_ != nullptr) call.previous_->next_ = call.next_;
  if (call.next_ != nullptr) call.next_->previous_ = call.previous_;
  if (active_ == &call) active_ = call.next_;
}

void ServerConnection::retire(ServerCall& call) {
  unlink(call);
  call.builder_.reset();
  call.registration_ = nullptr;
  if (free_count_ < kFreeCalls && call.small_.capacity() <= kFreeCallBytes) {
    call.next_ = std::exchange(free_, &call);
    ++free_count_;
  } else {
    delete &call;
  }
}

const Peer& ServerCall::peer() const { return connection_->peer(); }

bool ServerCall::cancelled() const {
  return cancelled_.load(std::memory_order_relaxed) ||
         connection_->gone_.load(std::memory_order_relaxed) ||
         (deadline_ != transports::kNever && transports::Clock::now() >= deadline_);
}

std::string_view ServerCall::transport() const { return connection_->transport(); }

std::string_view ServerCall::method() const {
  return registration_->service->ferry_method_name(head_.interface_id, head_.method);
}

void ServerCall::run() noexcept {
  ServerConnection& connection = *connection_;
  if (cancelled()) {
    connection.answer(*this,
                      ServerConnection::judged(
                          *this, Status::cancelled("the caller gave up before a worker was free")),
                      true);
    return;
  }
  connection.answer(*this, ServerConnection::judged(*this, connection.dispatch(*this)), true);
}

void ServerCall::keep_body() {
  if (large_) return;  // assembled in memory of its own
  request_.body = small_.copy(request_.body);
}

}  // namespace ferry::drivers
