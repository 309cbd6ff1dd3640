// LoopLanes: how a libuv loop waits for the lanes of its connections.
//
// A lane is awake from the loop's first look at it until the loop goes to sleep: its peer rings no
// bell meanwhile. Before each sleep the loop spins over the lanes that are awake, when that pays,
// and then arms them. While it spins it looks around, at everything else it waits for, every
// kLookAround.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include <uv.h>

#include <ferry/limits.h>
#include <ferry/spin.h>

#include "runtime/drivers/adaptive_spin.h"
#include "runtime/drivers/loop.h"
#include "runtime/drivers/server_connection.h"

namespace ferry::drivers {

class LoopLane;

// One per loop. Thread safety: the loop's thread.
class LoopLanes {
 public:
  // A spinning loop leaves its spin this often. Well above a call's time, well below what a person
  // or a newly connecting client would notice.
  static constexpr std::chrono::microseconds kLookAround{100};
  // Lanes one loop spins over: a turn over more would take longer than the wake-ups it saves.
  static constexpr std::size_t kSpinLanes = 8;

  LoopLanes(Loop& loop, Spin policy);
  ~LoopLanes();
  LoopLanes(const LoopLanes&) = delete;
  LoopLanes& operator=(const LoopLanes&) = delete;

 private:
  friend class LoopLane;

  void before_sleep();
  void spin_over_awake();
  bool arm_awake();
  void stay_awake(bool stay);

  Loop& loop_;
  AdaptiveSpin spin_;
  uv_prepare_t* prepare_;
  uv_idle_t* idle_;  // active: the loop looks around and doesn't sleep
  bool idling_ = false;
  std::vector<LoopLane*> awake_;
  std::vector<LoopLane*> arming_;  // arm_awake()'s own; kept, so that no sleep allocates
};

// One connection on the loop. Made and destroyed on the loop's thread, but not inside its own
// callback.
class LoopLane {
 public:
  // `ended` is called once, on the loop's thread, when the connection has ended.
  static Result<std::unique_ptr<LoopLane>> create(Loop& loop, LoopLanes& lanes,
                                                  std::shared_ptr<ServerConnection> connection,
                                                  std::function<void()> ended);
  ~LoopLane();
  LoopLane(const LoopLane&) = delete;
  LoopLane& operator=(const LoopLane&) = delete;

  // Output became blocked, or the lane takes no more: waits for room, or finds the end.
  void want_room();

 private:
  friend class LoopLanes;

  // How soon descriptors that found no room are offered again: nothing announces room for them.
  // Doubles, because a peer that never takes any in must cost little.
  static constexpr std::chrono::nanoseconds kRetryPauseLeast = limits::kDescriptorsRetryTime;
  static constexpr std::chrono::milliseconds kRetryPauseMost{100};

  LoopLane(Loop& loop, LoopLanes& lanes, std::shared_ptr<ServerConnection> connection,
           std::function<void()> ended);
  [[nodiscard]] Status watch();
  void on_ready(int events);
  void on_control();
  void wake();
  // Reads what is there, in a bounded number of turns. Whether there was any.
  bool read_some();
  void flush();
  void wait_for_room(bool wait);
  void end();

  Loop& loop_;
  LoopLanes& lanes_;
  std::shared_ptr<ServerConnection> connection_;
  std::function<void()> ended_;
  std::unique_ptr<Poll> readable_;
  std::unique_ptr<Poll> writable_;
  std::unique_ptr<Poll> control_;
  Timer retry_;  // runs while descriptors, not bytes, find no room
  std::chrono::nanoseconds retry_pause_ = kRetryPauseLeast;
  std::shared_ptr<LoopLane*> self_;  // null inside once destroyed: for posted callbacks
  bool awake_ = false;
  bool over_ = false;
};

}  // namespace ferry::drivers
