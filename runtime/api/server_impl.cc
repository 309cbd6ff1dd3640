#include "runtime/api/server_impl.h"

#include <algorithm>
#include <future>
#include <utility>

#include "runtime/api/session_options.h"
#include "runtime/drivers/adaptive_spin.h"
#include "runtime/drivers/fork_guard.h"
#include "runtime/support/greeting.h"
#include "transports/rendezvous/listener.h"
#include "transports/rendezvous/peer.h"
#include "transports/target.h"

namespace ferry {

using api::ServerClient;
using api::ServerDoor;
using drivers::Loop;
using drivers::LoopLanes;
using drivers::Timer;
using drivers::WorkerPool;
using transports::Connected;
using transports::Target;

namespace {

// "unix,mq" as {"unix", "mq"}.
std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> items;
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (const auto item = list.substr(0, comma); !item.empty()) items.emplace_back(item);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return items;
}

std::size_t pool_threads(const ServerOptions& options) {
  if (options.pool_threads != 0) return options.pool_threads;
  return std::max(limits::kPoolThreads, drivers::usable_cpus());
}

}  // namespace

Server::Impl::Impl(ServerOptions options)
    : options_(std::move(options)),
      fork_generation_(drivers::fork_generation()),
      lane_threads_(std::make_shared<std::atomic<std::size_t>>(0)) {}

Server::Impl::~Impl() {
  inproc_doors_.clear();  // their clients come in through the loop
  static_cast<void>(stop(std::chrono::nanoseconds{0}));
  if (loop_ && !loop_->own()) {
    begin_stop(std::chrono::nanoseconds{0});  // the caller is on the loop's thread: at once
    finish_stop();
  }
  static_cast<void>(wait());
  if (thread_.joinable()) thread_.join();
  doors_.clear();
  clients_.clear();
  drain_timer_.reset();
  pool_.reset();  // waits for handlers: they may still use services and post to the loop
  lanes_.reset();
  loop_.reset();
}

bool Server::Impl::forked() const noexcept {
  return drivers::fork_generation() != fork_generation_;
}

Status Server::Impl::forked_status() {
  return Status::failed_precondition(
      "this server belongs to the parent process: make one after fork()");
}

Status Server::Impl::usable() const {
  if (forked()) return forked_status();
  const std::lock_guard lock(mutex_);
  return state_ < State::kDraining ? Status()
                                   : Status::failed_precondition("the server was stopped");
}

// Makes what needs the final list of services; the first of listen(), adopt() and start() calls it.
Status Server::Impl::prepare() {
  if (Status status = usable(); !status.ok() || loop_) return status;
  if (Status status = services_.check(); !status.ok()) return status;
  support::Greeting greeting;
  greeting.message_bytes = options_.message_bytes;
  greeting.services = services_.entries();
  greeting_ = support::encode_greeting(greeting);
  auto loop = Loop::create(options_.loop);
  if (!loop) return loop.status();
  pool_ = std::make_unique<WorkerPool>(pool_threads(options_), options_.pool_queue);
  lanes_ = std::make_unique<LoopLanes>(**loop, options_.spin);
  const std::lock_guard lock(mutex_);
  loop_ = std::move(*loop);
  return {};
}

Status Server::Impl::on_loop(const std::function<Status()>& task) {
  const auto unless_stopped = [&] {
    Status status = usable();
    return status.ok() ? task() : status;
  };
  std::promise<Status> done;
  bool posted = false;
  {
    // Under the lock: what is posted before run_loop() says that the loop is over still runs.
    const std::lock_guard lock(mutex_);
    posted = loop_runs_ && !loop_->on_thread();
    if (posted) loop_->post([&] { done.set_value(unless_stopped()); });
  }
  return posted ? done.get_future().get() : unless_stopped();
}

Status Server::Impl::listen(std::string_view text) {
  auto target = transports::parse_target(text);
  if (!target) return target.status();
  if (Status status = prepare(); !status.ok()) return status;
  return on_loop([&] { return listen_at(*target); });
}

Status Server::Impl::listen_at(const Target& target) {
  if (target.kind == Target::Kind::kInproc) return listen_inproc(target);
  auto policy = policy_for(target);
  if (!policy) return policy.status();
  if (target.kind == Target::Kind::kDescriptor) {
    return listen_on_descriptor(UniqueFd(target.descriptor), std::move(*policy))
        .with_context("listen on \"" + target.text + "\"");
  }
  auto listener =
      transports::Listener::open(target, {options_.mode, options_.owner, options_.group});
  if (!listener) return listener.status();
  if (listener->holds_name()) policy->rendezvous = listener->path();
  return open_door(std::move(*listener), std::move(*policy));
}

Status Server::Impl::listen_on_descriptor(UniqueFd socket, transports::ServerPolicy policy) {
  if (!transports::is_listening(socket.get())) {
    return admit(std::move(socket), std::move(policy));
  }
  auto listener = transports::Listener::from_descriptor(std::move(socket));
  if (!listener) return listener.status();
  return open_door(std::move(*listener), std::move(policy));
}

Status Server::Impl::open_door(transports::Listener listener, transports::ServerPolicy policy) {
  auto door = make_door(std::move(policy));
  if (Status status = door->open(std::move(listener)); !status.ok()) return status;
  doors_.push_back(std::move(door));
  return {};
}

Status Server::Impl::admit(UniqueFd socket, transports::ServerPolicy policy) {
  if (auto peer = transports::socket_peer(socket.get(), policy.trust); !peer) return peer.status();
  auto door = make_door(std::move(policy));
  if (Status status = door->admit(std::move(socket)); !status.ok()) return status;
  // A server that adopts for ever must not keep the doors of those it has let in.
  std::erase_if(doors_, [](const auto& old) { return old->over(); });
  doors_.push_back(std::move(door));
  return {};
}

Status Server::Impl::listen_inproc(const Target& target) {
  auto listener = transports::InprocListener::open(
      target.name, [this](Connected client) -> Result<std::string> {
        if (Status status = room_for_client(); !status.ok()) return status;
        // std::function wants copies; the lane has one owner.
        auto shared = std::make_shared<Connected>(std::move(client));
        loop_->post([this, shared] { welcome(std::move(*shared)); });
        return greeting_;
      });
  if (!listener) return listener.status();
  inproc_doors_.push_back(std::move(*listener));
  return {};
}

Result<transports::ServerPolicy> Server::Impl::policy_for(const Target& target) {
  auto policy = transports::server_policy(target, split(options_.allow), options_.trust);
  if (!policy) return policy;
  policy->take_thread = [used = lane_threads_,
                         most = options_.lane_threads]() -> Result<std::shared_ptr<void>> {
    if (const std::size_t before = used->fetch_add(1); before >= most) {
      used->fetch_sub(1);
      return Status::resource_exhausted(
          "the server is full: this would be connection " + std::to_string(before + 1) +
          " that needs a thread of its own, ServerOptions::lane_threads is " +
          std::to_string(most));
    }
    return std::shared_ptr<void>(used.get(), [used](void*) { used->fetch_sub(1); });
  };
  return policy;
}

std::unique_ptr<ServerDoor> Server::Impl::make_door(transports::ServerPolicy policy) {
  ServerDoor::House house{*loop_, options_.log, greeting_, [this] { return room_for_client(); },
                          [this](Connected connected) { welcome(std::move(connected)); }};
  return std::make_unique<ServerDoor>(std::move(house), std::move(policy));
}

Status Server::Impl::room_for_client() const {
  const std::size_t open = connection_count_.load();
  if (open < options_.connections) return {};
  return Status::resource_exhausted("the server is full: this would be connection " +
                                    std::to_string(open + 1) + ", ServerOptions::connections is " +
                                    std::to_string(options_.connections));
}

Status Server::Impl::adopt(UniqueFd socket) {
  if (Status status = prepare(); !status.ok()) return status;
  if (!socket) {
    return Status::invalid_argument("adopt a socket: there is none; pass a connected local socket");
  }
  Target target;
  target.kind = Target::Kind::kDescriptor;
  target.descriptor = socket.get();
  target.text = "fd:" + std::to_string(socket.get());
  auto policy = policy_for(target);
  if (!policy) return policy.status();
  return on_loop([&] { return admit(std::move(socket), std::move(*policy)); })
      .with_context("adopt a socket");
}

void Server::Impl::welcome(Connected connected) {
  // While this client shook hands the server may have been stopped, or others have come in. Its
  // lane ends here, and what it tries next is refused in words.
  if (!usable().ok()) return;
  if (Status room = room_for_client(); !room.ok()) {
    log(LogLevel::kWarning, "a client was turned away: " + room.to_string());
    return;
  }
  auto greeting = support::decode_greeting(connected.greeting);
  if (!greeting) {
    log(LogLevel::kWarning, "a client was turned away: " + greeting.status().to_string());
    return;
  }
  const auto session = api::session_options(options_.message_bytes, *greeting);
  const Peer peer = connected.peer;
  const std::string transport(connected.lane->transport());
  auto client = ServerClient::create({*loop_, *lanes_, {services_, *pool_}, options_.spin},
                                     std::move(connected), session,
                                     [this](ServerClient* ended) { remove(ended); });
  if (!client) {
    log(LogLevel::kWarning, "a client cannot be served: " + client.status().to_string());
    return;
  }
  log(LogLevel::kDebug, "serving pid " + std::to_string(peer.pid) + ", uid " +
                            std::to_string(peer.uid) + ", over " + transport);
  clients_.emplace(client->get(), std::move(*client));
  connection_count_.store(clients_.size());
}

void Server::Impl::remove(ServerClient* client) {
  const auto at = clients_.find(client);
  if (at == clients_.end()) return;
  bool peer_left = false;
  const Status why = client->connection().end(peer_left);
  log(peer_left ? LogLevel::kDebug : LogLevel::kWarning,
      "the connection of pid " + std::to_string(client->connection().peer().pid) +
          " ended: " + why.to_string());
  clients_.erase(at);
  connection_count_.store(clients_.size());
}

void Server::Impl::log(LogLevel level, const std::string& line) const {
  if (options_.log) options_.log(level, line);
}

}  // namespace ferry
