// ChannelCore: what a Channel and its Stubs share.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <ferry/channel.h>
#include <ferry/support/call.h>

#include "runtime/drivers/client_connection.h"
#include "runtime/support/greeting.h"
#include "transports/rendezvous/connected.h"
#include "transports/target.h"

namespace ferry::api {

// Thread safety: all members, any thread.
class ChannelCore final : public support::Caller {
 public:
  // `adopted`: a connected socket to use instead of connecting to `target`; used once.
  ChannelCore(transports::Target target, const ConnectOptions& options, UniqueFd adopted);
  ~ChannelCore() override;

  // Connects unless connected. Blocks until `deadline` or the options' timeout.
  [[nodiscard]] Status connect_now(transports::TimePoint deadline);

  Status call(const support::Target& target, const support::MethodInfo& method,
              support::RawBuilder& request, const CallOptions& options,
              support::RawReader& reply) override;

  [[nodiscard]] std::string transport();
  [[nodiscard]] std::string explain();
  [[nodiscard]] Peer peer();
  Status close(std::chrono::nanoseconds wait);
  [[nodiscard]] bool forked() const noexcept;

 private:
  // One connection with what its handshake told.
  struct Connection {
    std::shared_ptr<drivers::ClientConnection> driver;
    std::vector<support::ServiceEntry> services;
    std::string explain;
    Peer peer;
  };

  [[nodiscard]] Result<std::shared_ptr<const Connection>> connection(
      transports::TimePoint deadline);
  [[nodiscard]] Result<std::shared_ptr<const Connection>> make_connection(
      transports::TimePoint deadline);
  [[nodiscard]] Result<transports::Connected> shake_hands(transports::TimePoint deadline);
  [[nodiscard]] Result<std::uint32_t> find_instance(const Connection& connection,
                                                    const support::Target& target) const;
  [[nodiscard]] Status call_over(const Connection& connection, const support::Target& target,
                                 const support::MethodInfo& method, support::RawBuilder& request,
                                 const CallOptions& options, transports::TimePoint deadline,
                                 support::RawReader& reply, bool& may_try_again);
  [[nodiscard]] std::shared_ptr<const Connection> current();
  void keep_superseded(const std::shared_ptr<const Connection>& old);

  const transports::Target target_;
  const ConnectOptions options_;
  const std::uint32_t fork_generation_;
  std::mutex mutex_;
  UniqueFd adopted_;                              // below: guarded by mutex_
  std::shared_ptr<const Connection> connection_;  // null: none yet
  std::vector<std::weak_ptr<drivers::ClientConnection>>
      superseded_;  // alive while calls are on them
  bool closed_ = false;
  bool connecting_ = false;            // one thread connects; the others wait for its result
  std::condition_variable connected_;  // that thread is done
};

}  // namespace ferry::api
