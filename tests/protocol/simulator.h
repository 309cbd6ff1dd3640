// The simulator: two Sessions, a lossless but capricious wire between them, and a world in which
// everything that may happen happens in an order drawn from a seed. No clock, no kernel but for
// descriptors, so that a seed replays exactly.
//
// Checked at every step: each call ends exactly once, with the reply that belongs to it, whole;
// small calls of one side arrive in the order in which they were started; what the peer can make us
// hold stays within its bounds. And at the end, when nobody holds anything back any more: every
// call has ended, nothing is held, all credit is accounted for. With faults (the wire corrupted, a
// side killed) calls need not end by themselves, and bytes may differ; everything else still holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/protocol/session.h"

namespace ferry::protocol::testing {

// What happened, over any number of simulations: to see that they reach what they should.
struct SimulationCounts {
  std::size_t calls = 0;
  std::size_t replies = 0;
  std::size_t statuses = 0;
  std::size_t large = 0;  // messages that were assembled
  std::size_t descriptors = 0;
  std::size_t cancelled = 0;
  std::size_t refused = 0;  // by start_call() or reply()
  std::size_t went_away = 0;
  std::size_t corrupted = 0;
  std::size_t detected = 0;  // corruptions that ended the connection
  std::size_t killed = 0;
  std::size_t partial_writes = 0;
};

class Simulation {
 public:
  // `trace`: every step is printed.
  Simulation(std::uint64_t seed, bool trace, SimulationCounts& counts);
  ~Simulation();
  // Empty when all is well; otherwise what is not.
  std::string run();

 private:
  using Data = std::shared_ptr<std::vector<std::uint64_t>>;

  struct OutCall {
    std::uint64_t seed = 0;
    Data data;
  };
  struct InCall {
    CallId id = 0;
    std::uint64_t seed = 0;
  };
  struct Held {
    std::uint32_t cost = 0;
    bool with_descriptors = false;
  };
  struct Side {
    std::string_view name;
    Session::Options options;
    std::unique_ptr<Session> session;
    // On its way to this side.
    std::vector<std::byte> wire;
    std::deque<std::vector<UniqueFd>> descriptors;
    std::vector<std::uint64_t> input;  // taken from the wire, not yet whole frames
    std::size_t input_bytes = 0;
    std::map<CallId, OutCall> calls;
    std::vector<InCall> handling;
    std::vector<Held> held;
    std::uint64_t last_small = 0;  // the number of the last small call that arrived here
    std::uint64_t started = 0;
    bool went_away = false;
  };
  enum Action : std::uint8_t {
    kStart,
    kWrite,
    kDeliver,
    kReply,
    kRelease,
    kCancel,
    kPing,
    kGoAway,
    kCorrupt,
    kKill,
    kActions
  };

  void choose_options();
  Side& peer_of(Side& side) { return &side == &sides_[0] ? sides_[1] : sides_[0]; }
  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : random_() % limit; }
  bool chance(unsigned percent) { return below(100) < percent; }

  void step();
  void start(Side& side);
  void write(Side& side, std::size_t most);
  void deliver(Side& side, std::size_t most);
  void reply(Side& side, std::size_t which);
  void release(Side& side, std::size_t which);
  void cancel(Side& side);
  void corrupt(Side& side);
  void on_event(Side& side, Event& event);
  void on_call(Side& side, Event& event);
  void on_reply(Side& side, Event& event);
  void hold(Side& side, const IncomingMessage& message);
  void settle();
  void check_bounds(const Side& side);
  void check_end(Side& side);
  [[nodiscard]] std::vector<Bytes> cut(const std::vector<std::uint64_t>& data, std::uint64_t seed);
  void check_message(const IncomingMessage& message, std::uint64_t seed, std::string_view what);

  void fail(const std::string& why);
  void trace(const Side& side, const std::string& what) const;

  std::mt19937_64 random_;
  bool trace_;
  SimulationCounts& counts_;
  std::array<Side, 2> sides_;
  std::array<unsigned, kActions> weights_{};
  std::size_t wire_capacity_ = 0;
  std::size_t calls_left_ = 0;
  bool faulty_ = false;  // bytes may differ from what was sent
  bool dead_ = false;    // the connection ended
  std::set<std::uint64_t> refused_replies_;
  std::string failure_;
};

}  // namespace ferry::protocol::testing
