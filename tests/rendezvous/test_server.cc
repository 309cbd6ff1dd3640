#include "tests/rendezvous/test_server.h"

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include <ferry/limits.h>

#include "transports/rendezvous/dial.h"
#include "transports/rendezvous/server_handshake.h"

namespace ferry::transports::testing {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::cerr << result.status() << std::endl;
    std::abort();
  }
  return std::move(*result);
}

ServerPolicy policy_for(const std::string& target, const std::vector<std::string>& allow) {
  return must(server_policy(must(parse_target(target)), allow, Trust::kDefault));
}

void add_one(int event) {
  const std::uint64_t one = 1;
  if (::write(event, &one, sizeof(one)) < 0) std::abort();
}

}  // namespace

Result<Connected> serve_one(UniqueFd socket, const ServerPolicy& policy) {
  const TimePoint deadline = Clock::now() + limits::kHandshakeTime;
  ServerHandshake handshake(std::move(socket), policy, kServerGreeting);
  for (;;) {
    switch (handshake.on_ready()) {
      case ServerHandshake::Step::kDone:
        return handshake.take();
      case ServerHandshake::Step::kFailed:
        return handshake.failure();
      case ServerHandshake::Step::kAgain:
        break;
    }
    const short events = handshake.wants_write() ? POLLOUT : POLLIN;
    if (!wait_for(handshake.descriptor(), events, deadline)) return handshake.timed_out();
  }
}

TestServer::TestServer(const std::string& target, const std::vector<std::string>& allow,
                       mode_t mode)
    : policy_(policy_for(target, allow)),
      listener_(must(Listener::open(must(parse_target(target)), {.mode = mode}))),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      news_(::eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE)),
      thread_([this] { serve(); }) {}

TestServer::~TestServer() {
  add_one(stop_.get());
  thread_.join();
}

Result<Connected> TestServer::next() {
  std::uint64_t one = 0;
  if (::read(news_.get(), &one, sizeof(one)) < 0) std::abort();
  const std::lock_guard guard(mutex_);
  Result<Connected> first = std::move(ended_.front());
  ended_.erase(ended_.begin());
  return first;
}

void TestServer::serve() {
  for (;;) {
    pollfd both[2] = {{listener_.descriptor(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    ::poll(both, 2, -1);
    if (both[1].revents != 0) return;
    Listener::Accepted accepted = listener_.accept();
    if (accepted.outcome != Listener::Outcome::kConnection) continue;
    Result<Connected> one = serve_one(std::move(accepted.socket), policy_);
    const std::lock_guard guard(mutex_);
    ended_.push_back(std::move(one));
    add_one(news_.get());
  }
}

}  // namespace ferry::transports::testing
