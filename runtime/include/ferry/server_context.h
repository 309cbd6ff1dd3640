// ServerContext: what a handler may know about the call it serves.
#pragma once

#include <chrono>
#include <string_view>

#include <ferry/trust.h>

namespace ferry {

// Valid until the handler returns. Thread safety: const members may be called from any thread.
class ServerContext {
 public:
  virtual ~ServerContext() = default;

  // The client as the kernel reported it when it connected, and what it is trusted with.
  [[nodiscard]] virtual const Peer& peer() const = 0;
  // When the caller stops waiting; time_point::max() when it waits for ever.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point deadline() const = 0;
  // Whether nobody waits for the answer any more: the caller cancelled, its deadline passed, it is
  // gone, or the server is shutting down and out of patience. Cheap: ask often in long work.
  [[nodiscard]] virtual bool cancelled() const = 0;
  // The transport that carries this call ("memfd").
  [[nodiscard]] virtual std::string_view transport() const = 0;
  // The method, as "demo.FileBroker.open".
  [[nodiscard]] virtual std::string_view method() const = 0;

 protected:
  ServerContext() = default;
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;
};

}  // namespace ferry
