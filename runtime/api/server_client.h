// ServerClient: one connected client of a server, with what waits for its lane.
#pragma once

#include <functional>
#include <memory>

#include <ferry/result.h>
#include <ferry/spin.h>

#include "runtime/drivers/lane_thread.h"
#include "runtime/drivers/loop.h"
#include "runtime/drivers/loop_lanes.h"
#include "runtime/drivers/server_connection.h"
#include "transports/rendezvous/connected.h"

namespace ferry::api {

// Thread safety: the loop's thread.
class ServerClient {
 public:
  struct Place {
    drivers::Loop& loop;
    drivers::LoopLanes& lanes;
    drivers::ServerConnection::Environment environment;
    Spin spin;
  };

  // Starts to serve. `ended` is called on the loop's thread, once, when the connection has ended;
  // the client is then to be destroyed.
  static Result<std::unique_ptr<ServerClient>> create(const Place& place,
                                                      transports::Connected connected,
                                                      const protocol::Session::Options& options,
                                                      std::function<void(ServerClient*)> ended);
  ~ServerClient();  // stops waiting for the lane; calls in flight are cancelled and finish by
                    // themselves
  ServerClient(const ServerClient&) = delete;
  ServerClient& operator=(const ServerClient&) = delete;

  [[nodiscard]] drivers::ServerConnection& connection() noexcept { return *connection_; }

 private:
  explicit ServerClient(std::shared_ptr<void> thread_place)
      : thread_place_(std::move(thread_place)), self_(std::make_shared<ServerClient*>(this)) {}
  [[nodiscard]] Status wait_on(const Place& place, std::function<void(ServerClient*)> ended);
  [[nodiscard]] Status wait_in_thread(const Place& place, std::function<void()> ended);

  std::shared_ptr<void> thread_place_;
  std::shared_ptr<drivers::ServerConnection> connection_;
  std::unique_ptr<drivers::LoopLane> loop_lane_;  // one of these two waits
  std::unique_ptr<drivers::LaneThread> lane_thread_;
  std::unique_ptr<drivers::Poll> control_;  // with lane_thread_: sees the peer's end
  std::shared_ptr<ServerClient*> self_;     // null inside once destroyed: for posted callbacks
};

}  // namespace ferry::api
