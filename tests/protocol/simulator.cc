#include "tests/protocol/simulator.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <iterator>
#include <numeric>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

#include "runtime/protocol/frame.h"
#include "tests/protocol/simulated_messages.h"

namespace ferry::protocol::testing {

Simulation::Simulation(std::uint64_t seed, bool trace, SimulationCounts& counts)
    : random_(seed), trace_(trace), counts_(counts) {
  sides_[0].name = "a";
  sides_[1].name = "b";
  choose_options();
}

Simulation::~Simulation() = default;

void Simulation::choose_options() {
  constexpr std::array<std::uint32_t, 6> kWindows = {200, 4096, 70'000, 1 << 18, 1 << 20, 8 << 20};
  constexpr std::array<std::uint32_t, 4> kCalls = {1, 3, 20, 4096};
  constexpr std::array<std::size_t, 3> kMessages = {10'000, 300'000, limits::kMessageBytes};
  for (Side& side : sides_) {
    side.options.window_bytes = kWindows[below(kWindows.size())];
    side.options.calls_in_flight = kCalls[below(kCalls.size())];
    side.options.message_bytes = kMessages[below(kMessages.size())];
  }
  for (Side& side : sides_) {
    const Session::Options& peer = peer_of(side).options;
    side.options.peer_window_bytes = peer.window_bytes;
    side.options.peer_calls_in_flight = peer.calls_in_flight;
    side.options.peer_message_bytes = peer.message_bytes;
    side.session = std::make_unique<Session>(side.options);
  }
  for (unsigned& weight : weights_) weight = 1 + static_cast<unsigned>(below(10));
  weights_[kCancel] = chance(50) ? static_cast<unsigned>(below(8)) : 0;
  weights_[kPing] = 1;
  weights_[kGoAway] = chance(5) ? 1 : 0;
  faulty_ = chance(30);
  weights_[kCorrupt] = faulty_ ? 1 : 0;
  weights_[kKill] = 0;
  constexpr std::array<std::size_t, 4> kCapacities = {100, 8192, 65'536, 1 << 20};
  wire_capacity_ = kCapacities[below(kCapacities.size())];
  calls_left_ = 1 + below(60);
}

void Simulation::fail(const std::string& why) {
  if (failure_.empty()) failure_ = why;
}

void Simulation::trace(const Side& side, const std::string& what) const {
  if (trace_) std::cout << side.name << ": " << what << "\n";
}

std::string Simulation::run() {
  const bool killed = chance(10);
  const std::size_t steps = 20 + below(600);
  for (std::size_t i = 0; i < steps && failure_.empty() && !dead_; ++i) step();
  if (failure_.empty() && killed && !dead_) {
    // One side vanishes at any point; the other takes what is on the wire.
    Side& survivor = sides_[below(2)];
    trace(survivor, "the peer was killed");
    ++counts_.killed;
    deliver(survivor, SIZE_MAX);
    dead_ = true;
  }
  if (failure_.empty() && !dead_) settle();
  return failure_;
}

void Simulation::step() {
  const unsigned total = std::accumulate(weights_.begin(), weights_.end(), 0U);
  unsigned drawn = static_cast<unsigned>(below(total));
  std::size_t action = 0;
  while (drawn >= weights_[action]) drawn -= weights_[action++];
  Side& side = sides_[below(2)];
  switch (static_cast<Action>(action)) {
    case kStart:
      start(side);
      break;
    case kWrite:
      write(side, chance(30) ? below(200) : below(300'000));
      break;
    case kDeliver:
      deliver(side, chance(30) ? below(200) : below(300'000));
      break;
    case kReply:
      if (!side.handling.empty()) reply(side, below(side.handling.size()));
      break;
    case kRelease:
      if (!side.held.empty()) release(side, below(side.held.size()));
      break;
    case kCancel:
      cancel(side);
      break;
    case kPing:
      side.session->ping();
      break;
    case kGoAway:
      if (side.went_away) break;
      trace(side, "goes away");
      side.went_away = true;
      ++counts_.went_away;
      side.session->go_away(Status::unavailable("draining"));
      break;
    case kCorrupt:
      corrupt(side);
      break;
    case kKill:
    case kActions:
      break;
  }
  for (const Side& each : sides_) check_bounds(each);
}

void Simulation::start(Side& side) {
  if (calls_left_ == 0) return;
  --calls_left_;
  // The seed says what the call is; its number gives the order.
  const std::uint64_t seed = (++side.started << 32) | below(std::uint64_t{1} << 32);
  OutCall call{seed, std::make_shared<std::vector<std::uint64_t>>(simulated_data(seed))};
  const std::vector<Bytes> segments = cut(*call.data, seed);
  OutgoingMessage message;
  message.segments = segments;
  message.attachments = simulated_attachments(seed);
  counts_.descriptors += message.attachments.descriptors.size();
  const auto id = side.session->start_call({.interface_id = seed, .method = 5}, std::move(message));
  if (!id) {
    ++counts_.refused;
    const StatusCode code = id.status().code();
    if (code != StatusCode::kResourceExhausted &&
        !(code == StatusCode::kUnavailable && (side.went_away || peer_of(side).went_away))) {
      fail("start_call: " + id.status().to_string());
    }
    return;
  }
  ++counts_.calls;
  trace(side, "call " + std::to_string(*id) + " of " + std::to_string(8 * call.data->size()) +
                  " bytes, " + std::to_string(segments.size()) + " segments");
  if (!side.calls.emplace(*id, std::move(call)).second) fail("an id was handed out twice");
}

void Simulation::write(Side& side, std::size_t most) {
  Side& peer = peer_of(side);
  const std::size_t room = wire_capacity_ - std::min(wire_capacity_, peer.wire.size());
  std::size_t left = std::min(most, room);
  Output output;
  while (left > 0 && side.session->has_output() && side.session->output(output)) {
    // What was handed out stays where it is, whatever is started meanwhile.
    if (chance(10)) start(side);
    std::size_t written = 0;
    for (const iovec& piece : output.bytes) {
      const std::size_t take = std::min(piece.iov_len, left - written);
      const auto* bytes = static_cast<const std::byte*>(piece.iov_base);
      peer.wire.insert(peer.wire.end(), bytes, bytes + take);
      written += take;
      if (take < piece.iov_len) ++counts_.partial_writes;
    }
    if (output.bytes.size() > 16) fail("more than 16 buffers");
    if (written > 0 && !output.descriptors.empty()) {
      std::vector<UniqueFd> copies;
      for (const int fd : output.descriptors) copies.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
      peer.descriptors.push_back(std::move(copies));
    }
    side.session->written(written);
    left -= written;
  }
}

void Simulation::deliver(Side& side, std::size_t most) {
  const std::size_t taken = std::min(most, side.wire.size());
  side.input.resize((side.input_bytes + taken + 7) / 8);
  if (taken > 0) {
    std::memcpy(reinterpret_cast<std::byte*>(side.input.data()) + side.input_bytes,
                side.wire.data(), taken);
    side.wire.erase(side.wire.begin(), side.wire.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  side.input_bytes += taken;
  Bytes input = std::as_bytes(std::span(side.input)).first(side.input_bytes);
  const DescriptorSource source = [&side](std::size_t count, std::vector<UniqueFd>& into) {
    if (side.descriptors.empty() || side.descriptors.front().size() != count) {
      return Status::invalid_argument("the descriptors that came are others");
    }
    std::ranges::move(side.descriptors.front(), std::back_inserter(into));
    side.descriptors.pop_front();
    return Status();
  };
  Event event;
  while (!dead_) {
    const auto made = side.session->next(input, TimePoint(), source, event);
    if (!made) {
      trace(side, made.status().to_string());
      if (!faulty_) fail("a Session refused what the other sent: " + made.status().to_string());
      ++counts_.detected;
      dead_ = true;
      return;
    }
    if (!*made) break;
    on_event(side, event);
  }
  const auto used = static_cast<std::ptrdiff_t>((side.input_bytes - input.size()) / 8);
  side.input_bytes = input.size();
  side.input.erase(side.input.begin(), side.input.begin() + used);
  if (side.input_bytes > limits::kFrameBytes) fail("more than a frame was left in the input");
}

void Simulation::on_event(Side& side, Event& event) {
  switch (event.kind) {
    case Event::Kind::kCall:
      on_call(side, event);
      break;
    case Event::Kind::kReply:
      on_reply(side, event);
      break;
    case Event::Kind::kCancel: {
      const bool known = std::ranges::any_of(
          side.handling, [&](const InCall& call) { return call.id == event.id; });
      if (!known) fail("a call was cancelled that is not being handled");
      break;
    }
    case Event::Kind::kGoAway:
      if (!faulty_ && !peer_of(side).went_away) fail("a GOAWAY that was not sent");
      break;
  }
}

void Simulation::on_call(Side& side, Event& event) {
  trace(side, "takes call " + std::to_string(event.id));
  for (const InCall& call : side.handling) {
    if (call.id == event.id) fail("a call was delivered twice");
  }
  const std::uint64_t seed = event.head.interface_id;
  if (event.message.storage) {
    ++counts_.large;
  } else if (!faulty_) {
    if (seed >> 32 <= side.last_small) fail("small calls changed their order");
    side.last_small = seed >> 32;
  }
  check_message(event.message, seed, "a call");
  hold(side, event.message);
  side.handling.push_back({event.id, seed});
}

void Simulation::on_reply(Side& side, Event& event) {
  trace(side, "takes the reply to " + std::to_string(event.id) + ": " + event.status.to_string());
  const auto found = side.calls.find(event.id);
  if (found == side.calls.end()) return fail("a reply to a call that ended or never was");
  const std::uint64_t seed = found->second.seed;
  side.calls.erase(found);
  if (event.status.ok()) {
    ++counts_.replies;
    if (event.message.storage) ++counts_.large;
    if (!faulty_ && simulated_status(seed)) fail("an OK that nobody said");
    check_message(event.message, seed + 1, "a reply");
    hold(side, event.message);
    return;
  }
  ++counts_.statuses;
  if (event.message.cost != 0) fail("a status has a cost");
  if (faulty_) return;
  const bool refused =
      refused_replies_.contains(seed) && event.status.code() == StatusCode::kResourceExhausted;
  const bool away = peer_of(side).went_away && event.status.code() == StatusCode::kUnavailable;
  const bool meant = simulated_status(seed) && event.status == *simulated_status(seed);
  if (!refused && !away && !meant) fail("a status nobody said: " + event.status.to_string());
}

}  // namespace ferry::protocol::testing
