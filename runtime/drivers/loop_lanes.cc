#include "runtime/drivers/loop_lanes.h"

#include <algorithm>
#include <utility>

namespace ferry::drivers {

using transports::Io;
using transports::IoResult;
using transports::WaitMode;

namespace {

// Reads in a row for one lane before the loop looks at the others.
constexpr int kReadTurns = 16;

}  // namespace

LoopLanes::LoopLanes(Loop& loop, Spin policy)
    : loop_(loop),
      spin_(policy == Spin::kDefault ? (loop.own() ? Spin::kAdaptive : Spin::kOff) : policy),
      prepare_(new uv_prepare_t),
      idle_(new uv_idle_t) {
  uv_prepare_init(loop.uv(), prepare_);
  prepare_->data = this;
  uv_prepare_start(prepare_, [](uv_prepare_t* handle) {
    if (handle->data != nullptr) static_cast<LoopLanes*>(handle->data)->before_sleep();
  });
  uv_unref(reinterpret_cast<uv_handle_t*>(prepare_));
  uv_idle_init(loop.uv(), idle_);
  idle_->data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(idle_));
}

LoopLanes::~LoopLanes() {
  close_and_free(prepare_);
  close_and_free(idle_);
}

void LoopLanes::before_sleep() {
  if (awake_.empty()) {
    stay_awake(false);
    return;
  }
  if (awake_.size() <= kSpinLanes && spin_.wanted() && spin_.begin(AdaptiveSpin::Clock::now())) {
    spin_over_awake();
  } else {
    stay_awake(!arm_awake());
  }
}

void LoopLanes::spin_over_awake() {
  const auto started = AdaptiveSpin::Clock::now();
  auto now = started;
  auto quiet_since = started;
  bool success = false;
  bool look_around = false;
  for (;;) {
    bool any = false;
    for (int look = 0; look < AdaptiveSpin::kLooksPerClock && !any; ++look) {
      if (look > 0) AdaptiveSpin::pause();
      for (std::size_t i = 0; i < awake_.size(); ++i) any |= awake_[i]->read_some();
    }
    const auto then = std::exchange(now, AdaptiveSpin::Clock::now());
    if (any) {
      success = true;
      quiet_since = now;
    } else if (spin_.gives_up(now - quiet_since, now - then)) {
      break;
    }
    if (now - started >= kLookAround) {
      look_around = success;
      break;
    }
    if (!any) AdaptiveSpin::pause();
  }
  spin_.finish(success, true, now);
  stay_awake(look_around || !arm_awake());
}

// Tells the peers of all awake lanes that we sleep. False when one had something for us.
bool LoopLanes::arm_awake() {
  arming_.clear();
  std::swap(awake_, arming_);
  for (LoopLane* lane : arming_) {
    lane->awake_ = false;
    if (lane->over_ || lane->connection_->link().lane().arm()) continue;
    lane->wake();
    lane->flush();  // what came may be room
    lane->read_some();
  }
  return awake_.empty();
}

void LoopLanes::stay_awake(bool stay) {
  if (stay == idling_) return;
  idling_ = stay;
  // An active idle handle makes the loop poll without waiting (docs.libuv.org, uv_idle_t).
  if (stay) {
    uv_idle_start(idle_, [](uv_idle_t*) {});
  } else {
    uv_idle_stop(idle_);
  }
}

Result<std::unique_ptr<LoopLane>> LoopLane::create(Loop& loop, LoopLanes& lanes,
                                                   std::shared_ptr<ServerConnection> connection,
                                                   std::function<void()> ended) {
  std::unique_ptr<LoopLane> lane(
      new LoopLane(loop, lanes, std::move(connection), std::move(ended)));
  if (Status status = lane->watch(); !status.ok()) return status;
  return lane;
}

LoopLane::LoopLane(Loop& loop, LoopLanes& lanes, std::shared_ptr<ServerConnection> connection,
                   std::function<void()> ended)
    : loop_(loop),
      lanes_(lanes),
      connection_(std::move(connection)),
      ended_(std::move(ended)),
      retry_(loop, [this] { flush(); }),
      self_(std::make_shared<LoopLane*>(this)) {}

LoopLane::~LoopLane() {
  *self_ = nullptr;
  std::erase(lanes_.awake_, this);
  std::erase(lanes_.arming_, this);
  if (connection_->link().lane().wait_mode() == WaitMode::kCallback) {
    connection_->link().lane().set_ready_callback({});
  }
}

Status LoopLane::watch() {
  transports::Lane& lane = connection_->link().lane();
  if (lane.wait_mode() == WaitMode::kCallback) {
    lane.set_ready_callback([this, self = std::weak_ptr<LoopLane*>(self_)] {
      loop_.post([self] {
        if (auto alive = self.lock(); alive && *alive != nullptr) (*alive)->on_ready(UV_READABLE);
      });
    });
  } else {
    const transports::PollSet set = lane.poll_set();
    auto readable = Poll::create(loop_, set.readable, [this](int events) { on_ready(events); });
    if (!readable) return readable.status();
    readable_ = std::move(*readable);
    readable_->watch(UV_READABLE);
    if (set.control >= 0 && set.control != set.readable) {
      auto control = Poll::create(loop_, set.control, [this](int) { on_control(); });
      if (!control) return control.status();
      control_ = std::move(*control);
      control_->watch(UV_READABLE | UV_DISCONNECT);
    }
    if (set.writable >= 0 && set.writable != set.readable) {
      auto writable = Poll::create(loop_, set.writable, [this](int) { flush(); });
      if (!writable) return writable.status();
      writable_ = std::move(*writable);
    }
  }
  wake();  // there may be input already; the next look finds it
  return {};
}

void LoopLane::on_ready(int events) {
  if (over_) return;
  wake();
  connection_->link().lane().clear_bell();
  flush();  // a bell announces room as well
  if ((events & ~UV_WRITABLE) != 0) read_some();
}

void LoopLane::on_control() {
  if (over_) return;
  const IoResult io = connection_->link().lane().on_control_readable();
  if (io.outcome != Io::kClosed && io.outcome != Io::kFailed) return;
  control_->watch(0);  // it stays readable from now on
  wake();
  read_some();  // what had arrived, then the end
}

void LoopLane::wake() {
  if (awake_ || over_) return;
  awake_ = true;
  connection_->link().lane().disarm();
  lanes_.awake_.push_back(this);
}

bool LoopLane::read_some() {
  bool any = false;
  Link& link = connection_->link();
  for (int turn = 0; turn < kReadTurns && !over_; ++turn) {
    const auto room = link.input().room();
    const IoResult io = link.lane().read(room);
    if (io.outcome == Io::kWouldBlock) break;
    if (io.outcome != Io::kDone) {
      connection_->lane_ended(io.outcome);
      end();
      break;
    }
    any = true;
    link.input().filled(io.bytes);
    if (!connection_->take_input()) {
      end();
      break;
    }
    // A frame that is not whole yet, or a full buffer: there is likely more to read at once.
    if (link.input().pending().empty() && io.bytes < room.size()) break;
  }
  return any;
}

void LoopLane::want_room() {
  if (over_) return;
  wake();  // the next look at the lane finds its end, or tells the peer that we wait for room
  // A bell may have announced room before anybody saw that output is blocked: whoever cleared it
  // then did not write. So write now; what stays blocked is rung for anew.
  flush();
}

void LoopLane::flush() {
  if (over_) return;
  // Output that becomes blocked after this look asks for room by itself: want_room().
  const bool blocked = connection_->link().blocked();
  if (blocked && !connection_->flush()) {
    end();
    return;
  }
  wait_for_room(connection_->link().blocked());
}

// Readiness tells of room for bytes only: while descriptors find none, a lane that is ready to be
// written would keep the loop busy for nothing.
void LoopLane::wait_for_room(bool wait) {
  const transports::Lane& lane = connection_->link().lane();
  const bool descriptors = wait && lane.descriptors_blocked();
  const bool bytes = wait && !descriptors;
  if (writable_) {
    writable_->watch(bytes ? UV_WRITABLE : 0);
  } else if (readable_) {
    readable_->watch(bytes && lane.poll_set().writable >= 0 ? UV_READABLE | UV_WRITABLE
                                                            : UV_READABLE);
  }
  if (!descriptors) {
    retry_pause_ = kRetryPauseLeast;
    return;
  }
  retry_.start(retry_pause_);
  retry_pause_ = std::min<std::chrono::nanoseconds>(2 * retry_pause_, kRetryPauseMost);
}

void LoopLane::end() {
  if (std::exchange(over_, true)) return;
  if (readable_) readable_->watch(0);
  if (writable_) writable_->watch(0);
  if (control_) control_->watch(0);
  retry_.stop();
  // Posted: whoever called is inside this object.
  loop_.post([self = std::weak_ptr<LoopLane*>(self_)] {
    if (auto alive = self.lock(); alive && *alive != nullptr) (*alive)->ended_();
  });
}

}  // namespace ferry::drivers
