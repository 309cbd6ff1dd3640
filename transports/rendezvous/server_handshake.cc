#include "transports/rendezvous/server_handshake.h"

#include <algorithm>
#include <cassert>
#include <fcntl.h>
#include <optional>
#include <utility>

#include "transports/rendezvous/peer.h"
#include "transports/rendezvous/record_io.h"
#include "transports/rendezvous/records.h"
#include "transports/rendezvous/selection.h"

namespace ferry::transports {

class ServerHandshake::Impl {
 public:
  Impl(UniqueFd socket, const ServerPolicy& policy, std::string greeting);

  Step on_ready();
  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }
  [[nodiscard]] bool wants_write() const noexcept { return writer_.pending(); }
  [[nodiscard]] const Status& failure() const noexcept { return failure_; }
  [[nodiscard]] Status timed_out() const;
  [[nodiscard]] Connected take();

 private:
  enum class Awaits : std::uint8_t { kHello, kAnswer, kNothing };

  // What happened so far, for messages.
  [[nodiscard]] std::string who() const;
  Status begin(Trust trust);
  Step on_record();
  Step on_hello();
  Step on_answer();
  Step offer_next();
  Step accept();
  Step hung_up();
  // Ends it without a word to the client.
  Step fail(Status why);
  // Ends it with a REFUSE record.
  Step refuse_with(Status why);

  UniqueFd socket_;
  const ServerPolicy& policy_;
  std::string greeting_;
  RecordReader reader_{0};
  RecordWriter writer_;
  Awaits awaits_ = Awaits::kHello;
  bool pair_ = false;
  Peer peer_;
  Trust lower_trust_ = Trust::kHostile;
  std::string client_greeting_;
  std::optional<Selection> selection_;
  Selection::Candidate candidate_;
  Status failure_;
  Connected connected_;
};

ServerHandshake::Impl::Impl(UniqueFd socket, const ServerPolicy& policy, std::string greeting)
    : socket_(std::move(socket)), policy_(policy), greeting_(std::move(greeting)) {
  if (Status begun = begin(policy.trust); !begun.ok()) fail(std::move(begun));
}

Status ServerHandshake::Impl::begin(Trust trust) {
  if (greeting_.size() > limits::kGreetingBytes) {
    return Status::resource_exhausted("the server's greeting has " +
                                      std::to_string(greeting_.size()) + " bytes, at most " +
                                      std::to_string(limits::kGreetingBytes) + " can be sent");
  }
  auto peer = socket_peer(socket_.get(), trust);
  if (!peer) return peer.status();
  peer_ = *peer;
  pair_ = is_pair(socket_.get());
  return pair_ ? pass_credentials(socket_.get(), true) : Status();
}

std::string ServerHandshake::Impl::who() const {
  return "client (pid " + std::to_string(peer_.pid) + ", uid " + std::to_string(peer_.uid) + ")";
}

ServerHandshake::Step ServerHandshake::Impl::on_ready() {
  if (!failure_.ok()) return Step::kFailed;
  while (awaits_ != Awaits::kNothing) {
    Progress progress = writer_.advance(socket_.get());
    if (progress == Progress::kFailed) {
      // An offer's descriptors could not be sent (ETOOMANYREFS, unix(7)); another may need none.
      if (awaits_ != Awaits::kAnswer || !writer_.untouched()) return fail(writer_.failure());
      selection_->passed_over(writer_.failure());
      if (const Step step = offer_next(); step == Step::kFailed) return step;
      continue;
    }
    if (progress == Progress::kWhole) progress = reader_.advance(socket_.get());
    switch (progress) {
      case Progress::kAgain:
        return Step::kAgain;
      case Progress::kClosed:
        return hung_up();
      case Progress::kFailed:
        // Whoever does not speak our protocol is not answered in it.
        return reader_.is_ferry() ? refuse_with(reader_.failure()) : fail(reader_.failure());
      case Progress::kWhole:
        break;
    }
    if (const Step step = on_record(); step == Step::kFailed) return step;
  }
  return Step::kDone;
}

ServerHandshake::Step ServerHandshake::Impl::on_record() {
  const Step step = awaits_ == Awaits::kHello ? on_hello() : on_answer();
  if (step != Step::kFailed) reader_.reset();
  return step;
}

ServerHandshake::Step ServerHandshake::Impl::on_hello() {
  const auto versions = [this](const std::string& theirs) {
    return refuse_with(Status::unimplemented(
        "the client speaks version " + theirs + " of the protocol, this server " +
        std::to_string(kLeastVersion) + " to " + std::to_string(kMostVersion) +
        "; update the older of the two"));
  };
  const RecordHeader& header = reader_.header();
  if (header.version < kLeastVersion || header.version > kMostVersion) {
    return versions(std::to_string(header.version));
  }
  if (header.kind != RecordKind::kHello) {
    return refuse_with(Status::invalid_argument("a handshake begins with HELLO, not with record " +
                                                std::to_string(static_cast<int>(header.kind))));
  }
  auto hello = decode_hello(reader_.body());
  if (!hello) return refuse_with(hello.status());
  if (hello->least_version > kMostVersion || hello->most_version < kLeastVersion) {
    return versions(std::to_string(hello->least_version) + " to " +
                    std::to_string(hello->most_version));
  }
  if (pair_) {
    peer_ = sender_as_peer(reader_.sender(), policy_.trust);
    if (Status off = pass_credentials(socket_.get(), false); !off.ok()) return fail(std::move(off));
  }
  client_greeting_ = std::move(hello->greeting);
  // A client that distrusts us must not get a lane through which we could hurt it either.
  lower_trust_ = std::min(peer_.trust, hello->trust);
  Peer set_up_peer = peer_;
  set_up_peer.trust = lower_trust_;
  selection_.emplace(policy_, set_up_peer, std::move(hello->transports));
  return offer_next();
}

ServerHandshake::Step ServerHandshake::Impl::offer_next() {
  auto candidate = selection_->next();
  if (!candidate) return refuse_with(selection_->refusal());
  candidate_ = std::move(*candidate);
  OfferRecord record;
  record.transport = candidate_.transport->name();
  record.parameter = candidate_.offer->parameter();
  record.trust = lower_trust_;
  record.greeting = greeting_;
  record.skipped = selection_->skipped();
  auto descriptors = candidate_.offer->descriptors();
  const auto count = static_cast<std::uint32_t>(descriptors.size());
  writer_.start(encode(record, count), std::move(descriptors));
  awaits_ = Awaits::kAnswer;
  return Step::kAgain;
}

ServerHandshake::Step ServerHandshake::Impl::on_answer() {
  switch (reader_.header().kind) {
    case RecordKind::kAccept:
      return accept();
    case RecordKind::kReject: {
      Status why = decode_reject(reader_.body());
      selection_->passed_over(why.with_context("the client could not make its half"));
      candidate_ = {};
      return offer_next();
    }
    default:
      return refuse_with(
          Status::invalid_argument("an offer is answered with ACCEPT or REJECT, not with record " +
                                   std::to_string(static_cast<int>(reader_.header().kind))));
  }
}

ServerHandshake::Step ServerHandshake::Impl::accept() {
  auto lane = candidate_.offer->accept(std::move(socket_));
  if (!lane) return fail(lane.status());
  connected_.lane = std::move(*lane);
  connected_.peer = peer_;
  connected_.greeting = std::move(client_greeting_);
  connected_.explain =
      explain(selection_->skipped(), candidate_.transport->name(), selection_->wanted());
  connected_.thread_place = std::move(candidate_.thread_place);
  candidate_ = {};
  awaits_ = Awaits::kNothing;
  return Step::kDone;
}

ServerHandshake::Step ServerHandshake::Impl::hung_up() {
  if (awaits_ == Awaits::kHello && !reader_.started()) {
    return fail(Status::cancelled("hung up without a word"));
  }
  return fail(Status::unavailable("hung up in the middle of the handshake"));
}

ServerHandshake::Step ServerHandshake::Impl::fail(Status why) {
  failure_ = why.with_context(who());
  candidate_ = {};
  return Step::kFailed;
}

ServerHandshake::Step ServerHandshake::Impl::refuse_with(Status why) {
  writer_.start(encode(Refusal{why, selection_ ? selection_->skipped() : std::vector<Skip>()}), {});
  // It fits: everything sent before was read by the client, or it would not have answered.
  static_cast<void>(writer_.advance(socket_.get()));
  return fail(std::move(why));
}

Status ServerHandshake::Impl::timed_out() const {
  const char* missing =
      awaits_ == Awaits::kHello ? "did not say HELLO" : "did not answer the offer";
  return Status::deadline_exceeded(who() + " " + missing + " within " +
                                   std::to_string(limits::kHandshakeTime.count()) + " ms");
}

Connected ServerHandshake::Impl::take() {
  assert(connected_.lane && "take() before kDone, or twice");
  return std::move(connected_);
}

ServerHandshake::ServerHandshake(UniqueFd socket, const ServerPolicy& policy, std::string greeting)
    : impl_(std::make_unique<Impl>(std::move(socket), policy, std::move(greeting))) {
  // An adopted one may not be: a program we start must not keep the connection open.
  ::fcntl(impl_->descriptor(), F_SETFD, FD_CLOEXEC);
}
ServerHandshake::~ServerHandshake() = default;
ServerHandshake::ServerHandshake(ServerHandshake&&) noexcept = default;
ServerHandshake& ServerHandshake::operator=(ServerHandshake&&) noexcept = default;

int ServerHandshake::descriptor() const noexcept { return impl_->descriptor(); }
bool ServerHandshake::wants_write() const noexcept { return impl_->wants_write(); }
ServerHandshake::Step ServerHandshake::on_ready() { return impl_->on_ready(); }
Status ServerHandshake::failure() const { return impl_->failure(); }
Status ServerHandshake::timed_out() const { return impl_->timed_out(); }
Connected ServerHandshake::take() { return impl_->take(); }

void refuse(UniqueFd socket, const Status& why) {
  RecordWriter writer;
  writer.start(encode(Refusal{why, {}}), {});
  static_cast<void>(writer.advance(socket.get()));
}

}  // namespace ferry::transports
