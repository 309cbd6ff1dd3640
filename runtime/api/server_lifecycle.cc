// How a server starts, drains and stops.
#include <csignal>
#include <utility>

#include <uv.h>

#include "runtime/api/server_impl.h"

namespace ferry {

using drivers::Timer;

namespace {

constexpr std::chrono::milliseconds kDrainLook{
    2};  // how often a draining server looks at its calls

// Calls back when one signal comes to this process.
class SignalWatch {
 public:
  SignalWatch(drivers::Loop& loop, int signal, std::function<void()> callback)
      : handle_(new uv_signal_t), callback_(std::move(callback)) {
    uv_signal_init(loop.uv(), handle_);
    handle_->data = this;
    uv_signal_start(
        handle_,
        [](uv_signal_t* handle, int) {
          if (handle->data != nullptr) static_cast<SignalWatch*>(handle->data)->callback_();
        },
        signal);
  }
  ~SignalWatch() { drivers::close_and_free(handle_); }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  uv_signal_t* handle_;
  std::function<void()> callback_;
};

}  // namespace

Status Server::Impl::run(std::string_view target) {
  if (options_.loop != nullptr) {
    return Status::failed_precondition(
        "run() runs a loop of its own: with ServerOptions::loop use listen() and run yours");
  }
  if (Status status = prepare(); !status.ok()) return status;
  // Before the socket is there: whoever sees it may already send a signal.
  const auto drain = [this] { begin_stop(options_.drain); };
  const SignalWatch terminate(*loop_, SIGTERM, drain);
  const SignalWatch interrupt(*loop_, SIGINT, drain);
  if (Status status = listen(target); !status.ok()) return status;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kIdle) return not_idle();
    state_ = State::kRunning;
    loop_runs_ = true;
  }
  run_loop();
  return {};
}

Status Server::Impl::not_idle() const {
  return Status::failed_precondition(state_ == State::kRunning ? "the server runs already"
                                                               : "the server was stopped");
}

Status Server::Impl::start() {
  if (Status status = prepare(); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (state_ != State::kIdle) return not_idle();
  state_ = State::kRunning;
  if (!loop_->own()) return {};
  loop_runs_ = true;
  try {
    thread_ = std::thread([this] { run_loop(); });
  } catch (const std::system_error& error) {
    loop_runs_ = false;
    state_ = State::kIdle;
    return Status::resource_exhausted(std::string("start the server's thread: ") + error.what());
  }
  return {};
}

void Server::Impl::run_loop() {
  loop_->run();
  pool_.reset();  // every client is gone: waits for handlers that are still to notice
  {
    const std::lock_guard lock(mutex_);
    loop_runs_ = false;
    state_ = State::kStopped;
    changed_.notify_all();
  }
  loop_->run_posted();  // somebody may wait for its turn in on_loop()
}

Status Server::Impl::stop(std::chrono::nanoseconds wait_for) {
  if (forked()) return forked_status();
  {
    const std::lock_guard lock(mutex_);
    const bool own = options_.loop == nullptr;
    if (own && state_ == State::kIdle) state_ = State::kStopped;
    if (!loop_ || (own && !loop_runs_)) return {};  // never started, or over
    loop_->post([this, wait_for] { begin_stop(wait_for); });
    if (!own || loop_->on_thread() || drivers::inside_handler()) return {};
  }
  return wait();
}

Status Server::Impl::wait() {
  if (forked()) return forked_status();
  if (options_.loop != nullptr) {
    return Status::failed_precondition("the server is on a loop of the caller's: run that");
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return state_ == State::kStopped || state_ == State::kIdle; });
  return {};
}

void Server::Impl::begin_stop(std::chrono::nanoseconds wait_for) {
  const auto until = transports::deadline_after(wait_for);
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kStopped) return;
    if (state_ == State::kDraining) {  // told again: the shorter patience counts
      drain_until_ = std::min(drain_until_, until);
      return;
    }
    state_ = State::kDraining;
  }
  drain_until_ = until;
  inproc_doors_.clear();
  doors_.clear();
  for (auto& [raw, client] : clients_) {
    raw->connection().say_goodbye(Status::unavailable("the server is stopping"));
  }
  drain_timer_ = std::make_unique<Timer>(*loop_, [this] { drain_further(); });
  drain_further();
}

void Server::Impl::drain_further() {
  bool drained = true;
  for (auto& [raw, client] : clients_) drained = drained && raw->connection().drained();
  if (!drained && std::chrono::steady_clock::now() < drain_until_) {
    drain_timer_->start(kDrainLook);
    return;
  }
  finish_stop();
}

void Server::Impl::finish_stop() {
  for (auto& [raw, client] : clients_) {
    raw->connection().cancel_calls(Status::cancelled("the server has stopped"));
  }
  clients_.clear();
  connection_count_.store(0);
  drain_timer_.reset();
  if (loop_->own()) {
    loop_->stop();
    return;
  }
  // Handlers that are still to notice may take their time: the loop's thread must not wait for
  // them.
  pool_->close([this] { loop_->post([this] { stopped_on_users_loop(); }); });
}

void Server::Impl::stopped_on_users_loop() {
  {
    const std::lock_guard lock(mutex_);
    state_ = State::kStopped;
  }
  const std::function<void()> tell = options_.on_stopped;  // a copy: it may destroy us
  if (tell) tell();
}

}  // namespace ferry
