// LaneThread: a thread parked in a lane that cannot be polled.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include <ferry/result.h>
#include <ferry/spin.h>

#include "runtime/drivers/adaptive_spin.h"
#include "runtime/drivers/server_connection.h"

namespace ferry::drivers {

// Reads one connection until it ends. Thread safety: made and destroyed by one thread, not its own.
class LaneThread {
 public:
  // `ended` is called once, on the lane's thread, as the last thing it does. RESOURCE_EXHAUSTED
  // when no thread can be had.
  static Result<std::unique_ptr<LaneThread>> create(std::shared_ptr<ServerConnection> connection,
                                                    Spin policy, std::function<void()> ended);
  ~LaneThread();  // ends the connection, joins
  LaneThread(const LaneThread&) = delete;
  LaneThread& operator=(const LaneThread&) = delete;

 private:
  LaneThread(std::shared_ptr<ServerConnection> connection, Spin policy,
             std::function<void()> ended);
  void run();

  std::shared_ptr<ServerConnection> connection_;
  AdaptiveSpin spin_;
  std::function<void()> ended_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace ferry::drivers
