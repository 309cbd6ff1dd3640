// A loop's lanes against a lane whose bells ring at the worst moments.
#include "runtime/drivers/loop_lanes.h"

#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include <gtest/gtest.h>
#include <uv.h>

#include "tests/support/processes.h"

namespace ferry::drivers {
namespace {

using ferry::testing::eventually;
using transports::Io;
using transports::IoResult;

// Its first write finds no room; but room comes, its bell rings and the loop has answered that bell
// before the writer is back from write().
class HastyLane final : public transports::Lane {
 public:
  std::string_view transport() const noexcept override { return "hasty"; }
  transports::WaitMode wait_mode() const noexcept override {
    return transports::WaitMode::kCallback;
  }
  IoResult write(std::span<const iovec> bytes, std::span<const int> /*descriptors*/) override {
    if (writes_.fetch_add(1) > 0) return {Io::kDone, bytes[0].iov_len};
    ring_();
    answered_.get_future().wait();  // ctest's time limit bounds it
    return {Io::kWouldBlock};
  }
  IoResult read(std::span<std::byte> /*into*/) override {
    if (reads_++ == 0) answered_.set_value();
    return {Io::kWouldBlock};
  }
  void set_ready_callback(std::function<void()> ready) override { ring_ = std::move(ready); }

  IoResult wait_writable(transports::TimePoint /*deadline*/) override { return {Io::kTimedOut}; }
  IoResult read_parked(std::span<std::byte> /*into*/, transports::TimePoint /*deadline*/) override {
    return {Io::kTimedOut};
  }
  Status take_descriptors(std::size_t /*count*/, std::vector<UniqueFd>& /*into*/) override {
    return Status::internal("it has none");
  }
  transports::PollSet poll_set() const noexcept override { return {}; }
  IoResult on_control_readable() override { return {Io::kWouldBlock}; }
  void interrupt() noexcept override {}
  void hang_up() noexcept override {}
  Status failure() const override { return {}; }

  [[nodiscard]] int writes() const { return writes_.load(); }

 private:
  std::function<void()> ring_;
  std::promise<void> answered_;
  std::atomic<int> writes_{0};
  int reads_ = 0;
};

TEST(LoopLane, ABellForRoomThatRingsBeforeTheWriterIsBackIsNotLost) {
  uv_loop_t uv;
  ASSERT_EQ(uv_loop_init(&uv), 0);
  {
    auto loop = Loop::create(&uv);
    ASSERT_TRUE(loop) << loop.status();
    LoopLanes lanes(**loop, Spin::kOff);
    const ServiceTable services;
    WorkerPool pool(1, 1);
    auto owned = std::make_unique<HastyLane>();
    const HastyLane& lane = *owned;
    std::unique_ptr<LoopLane> looped;
    const auto connection =
        std::make_shared<ServerConnection>(std::move(owned), protocol::Session::Options(), Peer(),
                                           ServerConnection::Environment{services, pool},
                                           [&] { (*loop)->post([&] { looped->want_room(); }); });
    auto made = LoopLane::create(**loop, lanes, connection, [] {});
    ASSERT_TRUE(made) << made.status();
    looped = std::move(*made);

    std::thread worker([&] { connection->say_goodbye(Status::unavailable("the end")); });
    EXPECT_TRUE(eventually([&] {
      uv_run(&uv, UV_RUN_NOWAIT);
      return lane.writes() > 1;
    })) << "what was blocked is never written";
    worker.join();
    looped.reset();
  }
  uv_run(&uv, UV_RUN_DEFAULT);
  EXPECT_EQ(uv_loop_close(&uv), 0);
}

}  // namespace
}  // namespace ferry::drivers
