// ServerDoor: one place where clients of a server come in, and the handshakes under way there.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include <ferry/log.h>
#include <ferry/result.h>

#include "runtime/drivers/loop.h"
#include "transports/rendezvous/connected.h"
#include "transports/rendezvous/listener.h"
#include "transports/rendezvous/server_handshake.h"
#include "transports/rendezvous/server_policy.h"

namespace ferry::api {

// Thread safety: the loop's thread.
class ServerDoor {
 public:
  struct House {
    drivers::Loop& loop;
    const LogSink& log;
    std::string greeting;
    // Whether another client may come in; else why not, in words for it.
    std::function<Status()> room;
    std::function<void(transports::Connected)> welcome;
  };

  ServerDoor(House house, transports::ServerPolicy policy);
  ~ServerDoor();
  ServerDoor(const ServerDoor&) = delete;
  ServerDoor& operator=(const ServerDoor&) = delete;

  // Accepts at `listener` from now on.
  [[nodiscard]] Status open(transports::Listener listener);
  // Nobody comes in here any more: it never listened, and no handshake is under way.
  [[nodiscard]] bool over() const noexcept { return !listener_ && handshakes_.empty(); }
  // Shakes hands with one connected socket.
  [[nodiscard]] Status admit(UniqueFd socket);

 private:
  struct Handshake;

  void on_listener_ready();
  void pause();
  void on_handshake_ready(std::list<Handshake>::iterator handshake);
  void log(LogLevel level, const std::string& line) const;

  House house_;
  const transports::ServerPolicy policy_;
  std::optional<transports::Listener> listener_;
  std::unique_ptr<drivers::Poll> accepting_;
  std::unique_ptr<drivers::Timer> pause_over_;
  std::list<Handshake> handshakes_;
};

}  // namespace ferry::api
