#include "transports/rendezvous/client.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <utility>

#include <ferry/limits.h>

#include "transports/rendezvous/dial.h"
#include "transports/rendezvous/inproc_names.h"
#include "transports/rendezvous/peer.h"
#include "transports/rendezvous/record_io.h"
#include "transports/rendezvous/records.h"
#include "transports/rendezvous/runtime_directory.h"
#include "transports/rendezvous/selection.h"
#include "transports/transport.h"

namespace ferry::transports {

namespace {

bool lists(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// One handshake over a connected socket, from HELLO to the lane.
class ClientHandshake {
 public:
  ClientHandshake(UniqueFd socket, const std::vector<std::string>& order,
                  const ConnectOptions& options)
      : socket_(std::move(socket)), options_(options), order_(order), started_(Clock::now()) {
    if (order_.empty()) {
      for (const Transport* one : all_transports()) order_.emplace_back(one->name());
    }
    deadline_ = std::min(options.deadline, started_ + limits::kHandshakeTime);
  }

  Result<Connected> run();

 private:
  Status meet_peer();
  // What of the order this side permits; says so in skipped_ of the rest.
  std::vector<std::string> wanted();
  Status send(int socket, std::string record);
  // The next OFFER; any other outcome is why there is none.
  Result<OfferRecord> receive_offer();
  Status read_record();
  Result<std::unique_ptr<Lane>> join(const OfferRecord& offer);
  Status refused(Body body) const;
  [[nodiscard]] Status silent() const;

  static Status hung_up() {
    return Status::unavailable(
        "the server hung up before it answered; it has no room, is stopping, or is not a ferry "
        "server");
  }
  static Status broken(std::string_view why) {
    return Status::unavailable("the server broke the protocol: " + std::string(why));
  }

  UniqueFd socket_;
  const ConnectOptions& options_;
  std::vector<std::string> order_;
  TimePoint started_;
  TimePoint deadline_;
  bool pair_ = false;
  Peer peer_;
  std::vector<Skip> skipped_;          // by this side, before HELLO
  std::vector<std::string> expected_;  // transports the server may still offer
  RecordReader reader_{limits::kOfferDescriptors};
};

Result<Connected> ClientHandshake::run() {
  if (Status met = meet_peer(); !met.ok()) return met;
  Hello hello;
  hello.transports = expected_ = wanted();
  if (expected_.empty()) return refusal_of(skipped_);
  hello.trust = peer_.trust;
  hello.greeting = options_.greeting;
  if (Status sent = send(socket_.get(), encode(hello)); !sent.ok()) return sent;
  for (;;) {
    auto offer = receive_offer();
    if (!offer) return offer.status();
    const int control = socket_.get();  // join() takes it; the lane keeps it open
    auto lane = join(*offer);
    if (lane) {
      if (Status sent = send(control, encode_accept()); !sent.ok()) return sent;
      Connected connected;
      skipped_.insert(skipped_.end(), offer->skipped.begin(), offer->skipped.end());
      connected.explain = explain(skipped_, offer->transport, order_);
      connected.lane = std::move(*lane);
      connected.peer = peer_;
      connected.greeting = std::move(offer->greeting);
      return connected;
    }
    if (Status sent = send(control, encode_reject(lane.status())); !sent.ok()) return sent;
  }
}

Status ClientHandshake::meet_peer() {
  if (options_.greeting.size() > limits::kGreetingBytes) {
    return Status::resource_exhausted(
        "the client's greeting has " + std::to_string(options_.greeting.size()) +
        " bytes, at most " + std::to_string(limits::kGreetingBytes) + " can be sent");
  }
  auto peer = socket_peer(socket_.get(), options_.trust);
  if (!peer) return peer.status();
  peer_ = *peer;
  pair_ = is_pair(socket_.get());
  return pair_ ? pass_credentials(socket_.get(), true) : Status();
}

std::vector<std::string> ClientHandshake::wanted() {
  std::vector<std::string> names;
  for (const std::string& name : order_) {
    const Transport* transport = find_transport(name);
    Status denied;
    if (transport == nullptr) {
      denied = Status::invalid_argument("there is no transport \"" + name + "\"");
    } else if (!options_.allowed.empty() && !lists(options_.allowed, name)) {
      denied = Status::failed_precondition("the caller does not allow " + name);
    } else {
      denied = transport->permits(peer_);
    }
    if (denied.ok()) {
      names.push_back(name);
    } else {
      skipped_.push_back({name, std::move(denied)});
    }
  }
  return names;
}

Status ClientHandshake::send(int socket, std::string record) {
  RecordWriter writer;
  writer.start(std::move(record), {});
  for (;;) {
    switch (writer.advance(socket)) {
      case Progress::kWhole:
        return {};
      case Progress::kClosed:  // it may have said why: the next read tells
        return {};
      case Progress::kFailed:
        return writer.failure();
      case Progress::kAgain:
        break;
    }
    if (!wait_for(socket, POLLOUT, deadline_)) return silent();
  }
}

Status ClientHandshake::read_record() {
  reader_.reset();
  for (;;) {
    switch (reader_.advance(socket_.get())) {
      case Progress::kWhole:
        return {};
      case Progress::kClosed:
        return hung_up();
      case Progress::kFailed: {
        const Status& why = reader_.failure();
        return why.code() == StatusCode::kInvalidArgument ? broken(why.message()) : why;
      }
      case Progress::kAgain:
        break;
    }
    if (!wait_for(socket_.get(), POLLIN, deadline_)) return silent();
  }
}

Result<OfferRecord> ClientHandshake::receive_offer() {
  if (Status read = read_record(); !read.ok()) return read;
  const RecordHeader& header = reader_.header();
  if (header.kind == RecordKind::kRefuse) return refused(reader_.body());
  if (header.version < kLeastVersion || header.version > kMostVersion ||
      header.kind != RecordKind::kOffer) {
    return broken("HELLO was answered with record " +
                  std::to_string(static_cast<int>(header.kind)) + " of version " +
                  std::to_string(header.version));
  }
  auto offer = decode_offer(reader_.body());
  if (!offer) return broken(offer.status().message());
  if (offer->version < kLeastVersion || offer->version > kMostVersion) {
    return broken("it chose version " + std::to_string(offer->version));
  }
  const auto expected = std::find(expected_.begin(), expected_.end(), offer->transport);
  if (expected == expected_.end()) {
    return broken("it offered \"" + offer->transport + "\", which was not asked for");
  }
  expected_.erase(expected_.begin(), expected + 1);  // it goes by our order
  if (pair_) {
    peer_ = sender_as_peer(reader_.sender(), options_.trust);
    pair_ = false;
    if (Status off = pass_credentials(socket_.get(), false); !off.ok()) return off;
  }
  return offer;
}

Result<std::unique_ptr<Lane>> ClientHandshake::join(const OfferRecord& offer) {
  auto descriptors = reader_.take_descriptors();
  const Transport* transport = find_transport(offer.transport);
  if (Status denied = transport->permits(peer_); !denied.ok()) return denied;
  if (offer.trust > peer_.trust) {
    return Status::permission_denied("it was made for trust " + std::string(name(offer.trust)) +
                                     ", the client has " + std::string(name(peer_.trust)));
  }
  SetUp set_up;
  set_up.peer = peer_;
  set_up.peer.trust = offer.trust;
  return transport->join(set_up, offer.parameter, std::move(descriptors), socket_);
}

Status ClientHandshake::refused(Body body) const {
  auto refusal = decode_refuse(body);
  if (!refusal) return broken(refusal.status().message());
  if (refusal->skipped.empty()) return refusal->why.with_context("the server refused");
  std::vector<Skip> all = skipped_;
  all.insert(all.end(), refusal->skipped.begin(), refusal->skipped.end());
  return refusal_of(all);
}

Status ClientHandshake::silent() const {
  const auto waited =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_);
  return Status::deadline_exceeded("it accepted the connection, but did not answer within " +
                                   std::to_string(waited.count()) +
                                   " ms: it is stopped, overloaded, or not a ferry server");
}

// Takes over descriptor `number`, which the environment promised to be there.
UniqueFd inherited(int number) {
  const int flags = ::fcntl(number, F_GETFD);
  if (flags >= 0) ::fcntl(number, F_SETFD, flags | FD_CLOEXEC);
  return UniqueFd(number);  // whether it is a socket, or anything, the handshake says
}

Result<UniqueFd> socket_for(const Target& target, const ConnectOptions& options) {
  if (target.kind == Target::Kind::kDescriptor) return inherited(target.descriptor);
  if (Status fit = check_runtime_directory(target); !fit.ok()) {
    return fit.code() == StatusCode::kNotFound ? Status::unavailable(fit.message()) : fit;
  }
  const TimePoint deadline =
      options.deadline == kNever ? Clock::now() + limits::kHandshakeTime : options.deadline;
  return dial(target.path, deadline);
}

}  // namespace

Result<Connected> connect(const Target& target, const ConnectOptions& options) {
  if (target.kind == Target::Kind::kInproc) return connect_inproc(target.name, options);
  std::string where = "connect to \"" + target.text + "\"";
  if (target.runtime_directory) where += " (" + target.path + ")";
  auto socket = socket_for(target, options);
  if (!socket) return socket.status().with_context(where);
  auto connected = handshake_as_client(std::move(*socket), target.order, options);
  if (!connected) return connected.status().with_context(where);
  return connected;
}

Result<Connected> handshake_as_client(UniqueFd socket, const std::vector<std::string>& order,
                                      const ConnectOptions& options) {
  // An adopted one may not be: a program we start must not keep the connection open.
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  return ClientHandshake(std::move(socket), order, options).run();
}

}  // namespace ferry::transports
