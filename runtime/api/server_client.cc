#include "runtime/api/server_client.h"

#include <utility>

namespace ferry::api {

using drivers::LaneThread;
using drivers::LoopLane;
using drivers::Poll;
using drivers::ServerConnection;

Result<std::unique_ptr<ServerClient>> ServerClient::create(
    const Place& place, transports::Connected connected, const protocol::Session::Options& options,
    std::function<void(ServerClient*)> ended) {
  std::unique_ptr<ServerClient> client(new ServerClient(std::move(connected.thread_place)));
  const bool thread = connected.lane->wait_mode() == transports::WaitMode::kThread;
  // Called under the connection's lock by whoever writes: the lane's thread is woken, the loop is
  // told.
  std::function<void()> room_wanted;
  if (thread) {
    room_wanted = [lane = connected.lane.get()] { lane->interrupt(); };
  } else {
    room_wanted = [&loop = place.loop, self = std::weak_ptr<ServerClient*>(client->self_)] {
      loop.post([self] {
        if (auto alive = self.lock(); alive && *alive != nullptr) (*alive)->loop_lane_->want_room();
      });
    };
  }
  client->connection_ =
      std::make_shared<ServerConnection>(std::move(connected.lane), options, connected.peer,
                                         place.environment, std::move(room_wanted));
  if (Status status = client->wait_on(place, std::move(ended)); !status.ok()) return status;
  return client;
}

ServerClient::~ServerClient() {
  *self_ = nullptr;
  control_.reset();
  lane_thread_.reset();
  loop_lane_.reset();
  connection_->abandon_calls();
}

Status ServerClient::wait_on(const Place& place, std::function<void(ServerClient*)> ended) {
  auto on_end = [this, ended = std::move(ended)] { ended(this); };
  if (connection_->link().lane().wait_mode() == transports::WaitMode::kThread) {
    return wait_in_thread(place, std::move(on_end));
  }
  auto lane = LoopLane::create(place.loop, place.lanes, connection_, std::move(on_end));
  if (!lane) return lane.status();
  loop_lane_ = std::move(*lane);
  return {};
}

Status ServerClient::wait_in_thread(const Place& place, std::function<void()> ended) {
  transports::Lane& lane = connection_->link().lane();
  auto control = Poll::create(place.loop, lane.poll_set().control, [this, &lane](int) {
    control_->watch(0);
    connection_->abandon_calls();
    lane.hang_up();
  });
  if (!control) return control.status();
  control_ = std::move(*control);
  // Not its readability: descriptors on it are the lane's thread's to take.
  control_->watch(UV_DISCONNECT);
  auto thread = LaneThread::create(
      connection_, place.spin,
      [&loop = place.loop, self = std::weak_ptr<ServerClient*>(self_), ended = std::move(ended)] {
        loop.post([self, ended] {
          if (auto alive = self.lock(); alive && *alive != nullptr) ended();
        });
      });
  if (!thread) return thread.status();
  lane_thread_ = std::move(*thread);
  return {};
}

}  // namespace ferry::api
