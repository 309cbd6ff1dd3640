#include "tests/support/gate.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace ferry::testing {

namespace {

void make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
}

void put(const UniqueFd& into) {
  const char byte = 0;
  while (::write(into.get(), &byte, 1) < 0 && errno == EINTR) {
  }
}

void take(const UniqueFd& from) {
  char byte = 0;
  while (::read(from.get(), &byte, 1) < 0 && errno == EINTR) {
  }
}

}  // namespace

Gate::Gate() {
  make_pipe(arrivals_read_, arrivals_write_);
  make_pipe(passes_read_, passes_write_);
}

void Gate::pass() const {
  put(arrivals_write_);
  take(passes_read_);
}

bool Gate::await_arrival() const {
  constexpr int kLimitMs = 10000;
  pollfd arrival{arrivals_read_.get(), POLLIN, 0};
  if (::poll(&arrival, 1, kLimitMs) != 1) return false;
  take(arrivals_read_);
  return true;
}

void Gate::let_through() const { put(passes_write_); }

}  // namespace ferry::testing
