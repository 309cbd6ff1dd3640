// A Session in the middle of things, fed with anything, while its user does anything it may.
//
// An input is a list of commands: a byte below 0x80 and a length of 16 bits, then as many bytes
// from the peer; or a byte that says what the user does.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>

#include "tests/fuzz/fuzz.h"
#include "tests/protocol/staged.h"

namespace ferry::protocol::testing {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// What the user sends is made of it.
const std::vector<std::uint64_t>& data() {
  static const std::vector<std::uint64_t> kData = words(20'000);
  return kData;
}

class User {
 public:
  void feed(Bytes bytes);
  void act(std::uint8_t what);
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  void on_event(Event& event);
  void start(std::size_t words, std::size_t descriptors);
  void reply(std::size_t words, std::size_t descriptors);
  void write(std::size_t most);

  Staged staged_;
  Session& session_ = staged_.session;
  std::set<CallId> calls_ = {staged_.sent, staged_.answered_in_part, staged_.waiting};
  std::set<CallId> handling_ = {Staged::kDelivered};
  std::vector<std::pair<std::uint32_t, bool>> held_;
  std::vector<std::uint64_t> input_;
  std::size_t input_bytes_ = 0;
  bool failed_ = false;
};

void User::feed(Bytes bytes) {
  input_.resize((input_bytes_ + bytes.size() + 7) / 8);
  if (!bytes.empty()) {
    std::memcpy(reinterpret_cast<std::byte*>(input_.data()) + input_bytes_, bytes.data(),
                bytes.size());
  }
  input_bytes_ += bytes.size();
  Bytes input = std::as_bytes(std::span(input_)).first(input_bytes_);
  const DescriptorSource source = [](std::size_t count, std::vector<UniqueFd>& into) {
    require(count > 0 && count <= limits::kDescriptors);
    for (std::size_t i = 0; i < count; ++i) into.push_back(some_descriptor());
    return Status();
  };
  Event event;
  for (;;) {
    const auto made = session_.next(input, TimePoint(), source, event);
    if (!made) {
      require(!made.status().ok() && !made.status().message().empty());
      failed_ = true;
      return;
    }
    if (!*made) break;
    on_event(event);
  }
  require(input.size() < limits::kFrameBytes);
  const std::size_t used = (input_bytes_ - input.size()) / 8;
  input_bytes_ = input.size();
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(used));
  require(static_cast<std::int64_t>(session_.bytes_held()) <= session_.window_charged());
}

void User::on_event(Event& event) {
  const IncomingMessage& message = event.message;
  if (event.kind == Event::Kind::kCall) {
    require(handling_.insert(event.id).second);
  } else if (event.kind == Event::Kind::kReply) {
    require(calls_.erase(event.id) == 1);
  } else {
    require(event.kind == Event::Kind::kGoAway || handling_.contains(event.id));
    return;
  }
  require(reinterpret_cast<std::uintptr_t>(message.body.data()) % 8 == 0);
  require(message.attachments.slots.size() == message.attachments.descriptors.size());
  if (!event.status.ok()) return require(message.cost == 0);
  require(split_segments(message.body, message.segment_count).ok());
  held_.emplace_back(message.cost, !message.attachments.empty());
}

void User::start(std::size_t words, std::size_t descriptors) {
  const Bytes segment = bytes_of(data()).first(8 * words);
  const auto id = session_.start_call({}, message_with_descriptors(segment, descriptors));
  if (id) require(calls_.insert(*id).second);
}

void User::reply(std::size_t words, std::size_t descriptors) {
  if (handling_.empty()) return;
  const Bytes segment = bytes_of(data()).first(8 * words);
  (void)session_.reply(*handling_.begin(), message_with_descriptors(segment, descriptors));
  handling_.erase(handling_.begin());
}

void User::write(std::size_t most) {
  Output output;
  while (most > 0 && session_.has_output() && session_.output(output)) {
    require(output.bytes.size() <= 16 && output.descriptors.size() <= limits::kDescriptors);
    std::size_t bytes = 0;
    for (const iovec& piece : output.bytes) bytes += piece.iov_len;
    require(bytes > 0);
    bytes = std::min(bytes, most);
    session_.written(bytes);
    most -= bytes;
  }
}

void User::act(std::uint8_t what) {
  switch (what % 10) {
    case 0:
      return start(what % 7, what % 3);
    case 1:
      return start(20'000, what % 2);
    case 2:
      return reply(what % 7, what % 3);
    case 3:
      return reply(20'000, what % 2);
    case 4:
      return write(SIZE_MAX);
    case 5:
      return write(std::size_t{what} * 100);
    case 6:
      if (calls_.empty()) return;
      session_.cancel(*calls_.begin());
      calls_.erase(calls_.begin());
      return;
    case 7:
      for (const auto& [cost, with_descriptors] : held_) session_.release(cost, with_descriptors);
      held_.clear();
      return;
    case 8:
      session_.ping();
      return;
    default:
      if (what == 0xff) session_.go_away(Status::unavailable("going"));
      return;
  }
}

}  // namespace
}  // namespace ferry::protocol::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ferry::protocol::testing::User user;
  std::size_t at = 0;
  while (at < size && !user.failed()) {
    const std::uint8_t what = data[at++];
    if (what >= 0x80) {
      user.act(what);
      continue;
    }
    if (size - at < 2) break;
    std::uint16_t length = 0;
    std::memcpy(&length, data + at, sizeof length);
    at += 2;
    const std::size_t taken = std::min<std::size_t>(length, size - at);
    user.feed(std::as_bytes(std::span(data + at, taken)));
    at += taken;
  }
  return 0;
}

std::vector<ferry::fuzz::Input> ferry::fuzz::seeds() {
  const ferry::protocol::testing::Staged staged;
  std::vector<Input> made;
  for (const auto& named : ferry::protocol::testing::valid_frames(staged)) {
    const auto bytes = named.frame.bytes();
    Input input = {0, static_cast<std::uint8_t>(bytes.size()),
                   static_cast<std::uint8_t>(bytes.size() >> 8)};
    for (const std::byte byte : bytes) input.push_back(static_cast<std::uint8_t>(byte));
    for (const int action : {2, 4, 7}) input.push_back(static_cast<std::uint8_t>(130 + action));
    made.push_back(std::move(input));
  }
  for (int action = 0x80; action < 0x100; action += 3) {
    made.push_back({static_cast<std::uint8_t>(action)});
  }
  return made;
}
