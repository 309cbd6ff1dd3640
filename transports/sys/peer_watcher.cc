#include "transports/sys/peer_watcher.h"

#include <cerrno>
#include <csignal>
#include <map>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>

#include <ferry/unique_fd.h>

#include "transports/sys/os_error.h"

namespace ferry::transports::sys {

namespace {

constexpr std::uint64_t kStop = 0;  // no watch has this id

// The thread and what it watches. All but run() is called under the registry's lock.
class Watcher {
 public:
  static Result<std::unique_ptr<Watcher>> start();
  ~Watcher();

  Status add(std::uint64_t id, int socket);
  void on_gone(std::uint64_t id, std::function<void()> gone);
  void remove(std::uint64_t id) noexcept;
  [[nodiscard]] bool idle() const noexcept { return watches_.empty(); }
  // In a child made by fork(), where the thread is not: lets go of what the parent still uses.
  void forget() noexcept {
    epoll_.reset();
    stop_.reset();
  }

 private:
  struct Entry {
    int socket = -1;
    bool gone = false;
    std::function<void()> callback;
  };

  void run();
  void saw_end(std::uint64_t id);

  UniqueFd epoll_;
  UniqueFd stop_;
  std::mutex mutex_;                        // held while a callback runs
  std::map<std::uint64_t, Entry> watches_;  // written under both locks
  std::thread thread_;
};

Result<std::unique_ptr<Watcher>> Watcher::start() {
  auto watcher = std::make_unique<Watcher>();
  watcher->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  watcher->stop_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event stop{};
  stop.events = EPOLLIN;
  stop.data.u64 = kStop;
  if (!watcher->epoll_ || !watcher->stop_ ||
      ::epoll_ctl(watcher->epoll_.get(), EPOLL_CTL_ADD, watcher->stop_.get(), &stop) != 0) {
    return os_error(errno, "making what watches for the death of peers");
  }
  // The user's signal handlers must not run on a thread of ours.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Status status;
  try {
    watcher->thread_ = std::thread([raw = watcher.get()] { raw->run(); });
    ::pthread_setname_np(watcher->thread_.native_handle(), "ferry-peers");
  } catch (const std::system_error& error) {
    status = Status::resource_exhausted(
        std::string("starting the thread that watches for the death of peers: ") + error.what());
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!status.ok()) return status;
  return watcher;
}

Watcher::~Watcher() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  static_cast<void>(!::write(stop_.get(), &one, sizeof one));
  thread_.join();
}

void Watcher::run() {
  for (;;) {
    epoll_event event{};
    const int count = ::epoll_wait(epoll_.get(), &event, 1, -1);
    if (count < 0 && errno != EINTR) return;  // EBADF and the like: our own bug
    if (count != 1) continue;
    if (event.data.u64 == kStop) return;
    saw_end(event.data.u64);
  }
}

void Watcher::saw_end(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.socket, nullptr);
  found->second.gone = true;
  if (found->second.callback) found->second.callback();
}

Status Watcher::add(std::uint64_t id, int socket) {
  const std::lock_guard lock(mutex_);
  epoll_event event{};
  event.events = EPOLLRDHUP;  // EPOLLHUP and EPOLLERR come anyway; not EPOLLIN: others read
  event.data.u64 = id;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket, &event) != 0) {
    return os_error(errno, "watching a control socket for the death of the peer");
  }
  watches_[id].socket = socket;
  return {};
}

void Watcher::on_gone(std::uint64_t id, std::function<void()> gone) {
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  found->second.callback = std::move(gone);
  if (found->second.gone) found->second.callback();
}

void Watcher::remove(std::uint64_t id) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  if (!found->second.gone) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.socket, nullptr);
  }
  watches_.erase(found);
}

// The process's watcher. One for the process, because a thread for each connection is what the
// watcher is there to avoid.
struct Registry {
  std::mutex mutex;
  std::unique_ptr<Watcher> watcher;  // none while nothing is watched
  std::uint64_t last_id = kStop;
  Watcher* forgotten = nullptr;  // a parent's: its thread can be neither joined nor detached
};

Registry& registry();

void lock_for_fork() { registry().mutex.lock(); }
void unlock_in_parent() { registry().mutex.unlock(); }
void start_afresh_in_child() {
  Registry& all = registry();
  if (all.watcher) {
    all.forgotten = all.watcher.release();
    all.forgotten->forget();
  }
  all.mutex.unlock();
}

// Never destroyed: a lane may outlive the statics.
Registry& registry() {
  static Registry* const instance = [] {
    ::pthread_atfork(lock_for_fork, unlock_in_parent, start_afresh_in_child);
    return new Registry;
  }();
  return *instance;
}

}  // namespace

Result<PeerWatch> PeerWatch::create(int socket) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  if (!all.watcher) {
    Result<std::unique_ptr<Watcher>> started = Watcher::start();
    if (!started) return started.status();
    all.watcher = std::move(*started);
  }
  const std::uint64_t id = ++all.last_id;
  if (Status status = all.watcher->add(id, socket); !status.ok()) {
    if (all.watcher->idle()) all.watcher.reset();
    return status;
  }
  return PeerWatch(id);
}

void PeerWatch::on_gone(std::function<void()> gone) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  if (all.watcher) all.watcher->on_gone(id_, std::move(gone));
}

void PeerWatch::reset() noexcept {
  const std::uint64_t id = std::exchange(id_, 0);
  if (id == 0) return;
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  if (!all.watcher) return;
  all.watcher->remove(id);
  if (all.watcher->idle()) all.watcher.reset();
}

}  // namespace ferry::transports::sys
