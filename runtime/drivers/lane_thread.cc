#include "runtime/drivers/lane_thread.h"

#include <string>
#include <system_error>
#include <utility>

#include "runtime/drivers/waiting.h"

namespace ferry::drivers {

using transports::Io;
using transports::IoResult;

Result<std::unique_ptr<LaneThread>> LaneThread::create(std::shared_ptr<ServerConnection> connection,
                                                       Spin policy, std::function<void()> ended) {
  std::unique_ptr<LaneThread> lane(new LaneThread(std::move(connection), policy, std::move(ended)));
  try {
    lane->thread_ = std::thread([raw = lane.get()] { raw->run(); });
  } catch (const std::system_error& error) {
    return Status::resource_exhausted(std::string("start a thread for a lane: ") + error.what());
  }
  return lane;
}

LaneThread::LaneThread(std::shared_ptr<ServerConnection> connection, Spin policy,
                       std::function<void()> ended)
    : connection_(std::move(connection)),
      spin_(policy == Spin::kDefault ? Spin::kAdaptive : policy),
      ended_(std::move(ended)) {}

LaneThread::~LaneThread() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_relaxed);
  connection_->link().lane().interrupt();
  thread_.join();
}

void LaneThread::run() {
  Link& link = connection_->link();
  while (!stopping_.load(std::memory_order_relaxed)) {
    const IoResult io = await_input(link, spin_, link.blocked(), transports::kNever);
    bool alive = true;
    switch (io.outcome) {
      case Io::kDone:
        alive = io.bytes > 0 ? connection_->take_input() : connection_->flush();
        break;
      case Io::kWouldBlock:
      case Io::kTimedOut:
      case Io::kInterrupted:
        alive = connection_->flush();
        break;
      case Io::kClosed:
      case Io::kFailed:
        connection_->lane_ended(io.outcome);
        alive = false;
        break;
    }
    if (!alive) break;
  }
  ended_();
}

}  // namespace ferry::drivers
