#include "runtime/api/server_door.h"

#include <utility>

#include <ferry/limits.h>

namespace ferry::api {

using drivers::Poll;
using drivers::Timer;
using transports::Listener;
using transports::ServerHandshake;

namespace {

// Clients taken in one turn of the loop: a flood of them must not keep it from the others.
constexpr int kAcceptTurns = 16;

}  // namespace

struct ServerDoor::Handshake {
  explicit Handshake(ServerHandshake started) : machine(std::move(started)) {}
  ServerHandshake machine;
  std::unique_ptr<Poll> ready;  // destroyed before the machine closes the socket
  std::unique_ptr<Timer> late;
};

ServerDoor::ServerDoor(House house, transports::ServerPolicy policy)
    : house_(std::move(house)), policy_(std::move(policy)) {}

ServerDoor::~ServerDoor() {
  accepting_.reset();
  handshakes_.clear();
}

Status ServerDoor::open(Listener listener) {
  listener_.emplace(std::move(listener));
  auto poll =
      Poll::create(house_.loop, listener_->descriptor(), [this](int) { on_listener_ready(); });
  if (!poll) return poll.status();
  accepting_ = std::move(*poll);
  accepting_->watch(UV_READABLE);
  pause_over_ = std::make_unique<Timer>(house_.loop, [this] { accepting_->watch(UV_READABLE); });
  return {};
}

void ServerDoor::on_listener_ready() {
  for (int turn = 0; turn < kAcceptTurns; ++turn) {
    Listener::Accepted accepted = listener_->accept();
    switch (accepted.outcome) {
      case Listener::Outcome::kConnection:
        if (Status status = admit(std::move(accepted.socket)); !status.ok()) {
          log(LogLevel::kWarning, "a client was turned away: " + status.to_string());
        }
        break;
      case Listener::Outcome::kNone:
        return;
      case Listener::Outcome::kPause:
        log(LogLevel::kWarning, "clients have to wait: " + accepted.why.to_string());
        pause();
        return;
      case Listener::Outcome::kFailed:
        log(LogLevel::kError, "no more clients are accepted: " + accepted.why.to_string());
        accepting_->watch(0);
        return;
    }
  }
}

void ServerDoor::pause() {
  accepting_->watch(0);
  pause_over_->start(limits::kAcceptPause);
}

Status ServerDoor::admit(UniqueFd socket) {
  Status status = house_.room();
  if (handshakes_.size() >= limits::kHandshakes) {
    status =
        Status::resource_exhausted("the server has its limit of " +
                                   std::to_string(limits::kHandshakes) + " handshakes under way");
  }
  if (!status.ok()) {
    transports::refuse(std::move(socket), status);
    return status;
  }
  handshakes_.emplace_front(ServerHandshake(std::move(socket), policy_, house_.greeting));
  const auto handshake = handshakes_.begin();
  auto ready = Poll::create(house_.loop, handshake->machine.descriptor(),
                            [this, handshake](int) { on_handshake_ready(handshake); });
  if (!ready) {
    handshakes_.erase(handshake);
    return ready.status();
  }
  handshake->ready = std::move(*ready);
  handshake->ready->watch(UV_READABLE);
  handshake->late = std::make_unique<Timer>(house_.loop, [this, handshake] {
    log(LogLevel::kWarning,
        "a client was turned away: " + handshake->machine.timed_out().to_string());
    handshakes_.erase(handshake);
  });
  handshake->late->start(limits::kHandshakeTime);
  return {};
}

void ServerDoor::on_handshake_ready(std::list<Handshake>::iterator handshake) {
  switch (handshake->machine.on_ready()) {
    case ServerHandshake::Step::kAgain:
      // Not both: a client that sends on while it takes no answer would keep the loop busy.
      handshake->ready->watch(handshake->machine.wants_write() ? UV_WRITABLE : UV_READABLE);
      return;
    case ServerHandshake::Step::kFailed: {
      const Status why = handshake->machine.failure();
      // A probe connects and leaves without a word.
      log(why.code() == StatusCode::kCancelled ? LogLevel::kDebug : LogLevel::kWarning,
          "a client was turned away: " + why.to_string());
      handshakes_.erase(handshake);
      return;
    }
    case ServerHandshake::Step::kDone: {
      handshake->ready.reset();  // the lane watches the socket from here on
      transports::Connected connected = handshake->machine.take();
      handshakes_.erase(handshake);
      house_.welcome(std::move(connected));
      return;
    }
  }
}

void ServerDoor::log(LogLevel level, const std::string& line) const {
  if (house_.log) house_.log(level, line);
}

}  // namespace ferry::api
