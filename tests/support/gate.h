// Gate: where a test holds a handler until it has seen what it wants to see.
#pragma once

#include <ferry/unique_fd.h>

namespace ferry::testing {

// Two pipes, so the handler may be in another process, forked after the gate was made. Thread
// safety: all members, any thread.
class Gate {
 public:
  Gate();
  // The handler's part: says that it is here, and waits until it is let through.
  void pass() const;

  // Waits until one more is at the gate. False when nobody came in 10 seconds.
  [[nodiscard]] bool await_arrival() const;
  // Lets one through: who is there, or who comes next.
  void let_through() const;

 private:
  UniqueFd arrivals_read_, arrivals_write_;
  UniqueFd passes_read_, passes_write_;
};

}  // namespace ferry::testing
