// Server::Impl: what a Server is made of.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <ferry/server.h>

#include "runtime/api/server_client.h"
#include "runtime/api/server_door.h"
#include "runtime/drivers/loop.h"
#include "runtime/drivers/loop_lanes.h"
#include "runtime/drivers/service_table.h"
#include "runtime/drivers/worker_pool.h"
#include "transports/rendezvous/inproc_names.h"

namespace ferry {

// Everything happens on the loop's thread; the public functions go there (on_loop()). A server is
// idle until start(), runs until stop(), drains, and has stopped when every client is gone and the
// last handler has returned.
class Server::Impl {
 public:
  explicit Impl(ServerOptions options);
  ~Impl();

  void add(support::ServiceBase& service, std::shared_ptr<support::ServiceBase> owner,
           ServiceOptions options) {
    services_.add(service, std::move(owner), std::move(options));
  }
  Status run(std::string_view target);
  Status listen(std::string_view target);
  Status adopt(UniqueFd socket);
  Status start();
  Status stop(std::chrono::nanoseconds wait);
  Status wait();
  [[nodiscard]] std::size_t connections() const { return connection_count_.load(); }
  // Whether this process is a child that fork() made of the one the server belongs to.
  [[nodiscard]] bool forked() const noexcept;

 private:
  enum class State : std::uint8_t { kIdle, kRunning, kDraining, kStopped };

  // FAILED_PRECONDITION once the server is stopping, or in a forked child.
  [[nodiscard]] Status usable() const;
  [[nodiscard]] static Status forked_status();
  [[nodiscard]] Status not_idle() const;  // why it cannot be started; mutex_ is held
  [[nodiscard]] Status prepare();
  [[nodiscard]] Status on_loop(const std::function<Status()>& task);
  [[nodiscard]] Status listen_at(const transports::Target& target);
  [[nodiscard]] Status listen_on_descriptor(UniqueFd socket, transports::ServerPolicy policy);
  [[nodiscard]] Status open_door(transports::Listener listener, transports::ServerPolicy policy);
  [[nodiscard]] Status admit(UniqueFd socket, transports::ServerPolicy policy);
  [[nodiscard]] Status listen_inproc(const transports::Target& target);
  [[nodiscard]] Result<transports::ServerPolicy> policy_for(const transports::Target& target);
  [[nodiscard]] std::unique_ptr<api::ServerDoor> make_door(transports::ServerPolicy policy);
  [[nodiscard]] Status room_for_client() const;
  void welcome(transports::Connected connected);
  void remove(api::ServerClient* client);
  void begin_stop(std::chrono::nanoseconds wait);
  void drain_further();
  void finish_stop();
  void stopped_on_users_loop();
  void run_loop();
  void log(LogLevel level, const std::string& line) const;

  const ServerOptions options_;
  const std::uint32_t fork_generation_;
  drivers::ServiceTable services_;
  std::string greeting_;
  std::shared_ptr<std::atomic<std::size_t>> lane_threads_;
  std::unique_ptr<drivers::Loop> loop_;  // made under mutex_; read under it by stop()
  std::unique_ptr<drivers::WorkerPool> pool_;
  std::unique_ptr<drivers::LoopLanes> lanes_;
  std::vector<std::unique_ptr<api::ServerDoor>> doors_;
  std::vector<transports::InprocListener> inproc_doors_;
  std::unordered_map<api::ServerClient*, std::unique_ptr<api::ServerClient>> clients_;
  std::atomic<std::size_t> connection_count_{0};
  std::unique_ptr<drivers::Timer> drain_timer_;
  std::chrono::steady_clock::time_point drain_until_;

  std::thread thread_;  // runs the loop after start(); run() uses its caller's
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::kIdle;  // guarded by mutex_
  bool loop_runs_ = false;      // guarded by mutex_: somebody runs our loop
};

}  // namespace ferry
