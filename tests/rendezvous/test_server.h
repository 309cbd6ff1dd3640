// A server that shakes hands in a thread of its own, and keeps what came of it.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

#include "transports/rendezvous/connected.h"
#include "transports/rendezvous/listener.h"
#include "transports/rendezvous/server_policy.h"

namespace ferry::transports::testing {

// Serves one handshake on `socket`, blocking, until limits::kHandshakeTime.
[[nodiscard]] Result<Connected> serve_one(UniqueFd socket, const ServerPolicy& policy);

class TestServer {
 public:
  // Listens at `target`, with --allow=`allow`. Aborts the test program when it cannot.
  explicit TestServer(const std::string& target, const std::vector<std::string>& allow = {},
                      mode_t mode = 0600);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  // What the next handshake ended with; waits for it.
  Result<Connected> next();

 private:
  void serve();

  ServerPolicy policy_;
  Listener listener_;
  UniqueFd stop_;
  std::mutex mutex_;
  std::vector<Result<Connected>> ended_;
  UniqueFd news_;  // an eventfd semaphore: one count an entry of ended_
  std::thread thread_;
};

inline constexpr const char* kServerGreeting = "hi from the server";

}  // namespace ferry::transports::testing
