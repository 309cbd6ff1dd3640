// Contestant: one way for two processes to call each other, as the harness sees it. Each program of
// this folder defines make_contestant() and is linked with the harness, which has main().
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bench/harness/payload.h"

namespace bench {

// What is measured.
struct Setup {
  std::string name;       // of the contestant: "unix", "memfd"
  std::size_t size = 64;  // bytes of a request, and of its reply
  bool spin = false;      // waits poll before they park
  bool pool = false;      // the handler runs on a worker pool and not where the call was read
  std::string directory;  // of this run's own, for sockets
};

// The client's end. call() sends the payload's next() request, waits for the echo and has it
// check()ed, as a user reads a reply: where it stands.
class Caller {
 public:
  Caller() = default;
  virtual ~Caller() = default;
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  virtual void call(Payload& payload) = 0;
};

class Contestant {
 public:
  Contestant() = default;
  virtual ~Contestant() = default;
  Contestant(const Contestant&) = delete;
  Contestant& operator=(const Contestant&) = delete;
  // Before the server process is forked: what both ends inherit.
  virtual void prepare() {}
  // In the server process: calls `ready` once it can serve, then serves until it is killed.
  virtual void serve(const std::function<void()>& ready) = 0;
  // In a client process, once the server is ready.
  virtual std::unique_ptr<Caller> connect() = 0;
  // How many clients it can serve at a time.
  [[nodiscard]] virtual int clients() const { return 1; }
};

// Null when this program has no contestant called `setup.name`.
std::unique_ptr<Contestant> make_contestant(const Setup& setup);

// Ends the process with a message when `fine` is false. A benchmark has no other way to go on.
void require(bool fine, std::string_view what);
// The same for what a system call returned: names errno.
void require_call(long result, std::string_view what);

}  // namespace bench
