#include "transports/rendezvous/records.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <ferry/limits.h>

#include "transports/rendezvous/handshake.capnp.h"

namespace ferry::transports {

namespace {

static_assert(std::endian::native == std::endian::little, "records are little-endian");

constexpr std::uint32_t kMagic = 0x59525246;  // "FRRY"
// Structs in lists in a struct, and texts below them.
constexpr int kNesting = 8;

struct RawHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t kind;
  std::uint32_t body_bytes;
  std::uint32_t descriptors;
  std::uint64_t reserved;
};
static_assert(sizeof(RawHeader) == kHeaderBytes);

std::string record(RecordKind kind, std::uint32_t descriptors, kj::ArrayPtr<const kj::byte> body) {
  const RawHeader header{kMagic,
                         kMostVersion,
                         static_cast<std::uint16_t>(kind),
                         static_cast<std::uint32_t>(body.size()),
                         descriptors,
                         0};
  std::string bytes(kHeaderBytes + body.size(), '\0');
  std::memcpy(bytes.data(), &header, kHeaderBytes);
  if (body.size() > 0) std::memcpy(bytes.data() + kHeaderBytes, body.begin(), body.size());
  return bytes;
}

std::string record(RecordKind kind, std::uint32_t descriptors, capnp::MessageBuilder& message) {
  const kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
  return record(kind, descriptors, words.asBytes());
}

std::string cut(std::string_view text, std::size_t bytes) {
  return std::string(text.substr(0, bytes));
}

// A text of the peer's, fit for a log line.
std::string printable(capnp::Text::Reader text, std::size_t bytes) {
  std::string clean = cut(std::string_view(text.cStr(), text.size()), bytes);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return clean;
}

capnp::Text::Reader reader_of(const std::string& text) { return {text.c_str(), text.size()}; }

capnp::Data::Reader data_of(const std::string& bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

std::string bytes_of(capnp::Data::Reader data) { return {data.asChars().begin(), data.size()}; }

wire::Trust wire_of(Trust trust) {
  switch (trust) {
    case Trust::kSameUser:
      return wire::Trust::SAME_USER;
    case Trust::kFull:
      return wire::Trust::FULL;
    default:
      return wire::Trust::HOSTILE;
  }
}

Trust trust_of(wire::Trust trust) {
  switch (trust) {
    case wire::Trust::SAME_USER:
      return Trust::kSameUser;
    case wire::Trust::FULL:
      return Trust::kFull;
    default:  // a level we don't know is none
      return Trust::kHostile;
  }
}

// A failure of the peer's; a code that is none, or OK, is UNKNOWN.
Status status_of(std::uint16_t code, capnp::Text::Reader reason) {
  constexpr auto kMost = static_cast<std::uint16_t>(StatusCode::kUnauthenticated);
  const StatusCode known =
      code == 0 || code > kMost ? StatusCode::kUnknown : static_cast<StatusCode>(code);
  return {known, printable(reason, limits::kReasonBytes)};
}

void write_skips(capnp::List<wire::Skipped>::Builder list, const std::vector<Skip>& skipped) {
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setTransport(reader_of(skipped[i].transport));
    list[i].setCode(static_cast<std::uint16_t>(skipped[i].why.code()));
    list[i].setReason(reader_of(cut(skipped[i].why.message(), limits::kReasonBytes)));
  }
}

std::vector<Skip> read_skips(capnp::List<wire::Skipped>::Reader list) {
  std::vector<Skip> skipped;
  const unsigned count = std::min(list.size(), static_cast<unsigned>(limits::kWantedTransports));
  for (unsigned i = 0; i < count; ++i) {
    skipped.push_back({printable(list[i].getTransport(), limits::kTransportNameBytes),
                       status_of(list[i].getCode(), list[i].getReason())});
  }
  return skipped;
}

// Reads `body` as a Struct with `read`. Cap'n Proto throws for what a peer sent wrongly, in getters
// as well, so all of it happens here.
template <typename Struct, typename Read>
auto decode(Body body, const char* what, Read read)
    -> Result<decltype(read(std::declval<typename Struct::Reader>()))> {
  const auto malformed = [what](std::string_view why) {
    return Status::invalid_argument("malformed " + std::string(what) +
                                    " record: " + std::string(why));
  };
  capnp::ReaderOptions options;
  options.nestingLimit = kNesting;
  options.traversalLimitInWords = 2 * body.size() + 64;
  try {
    capnp::FlatArrayMessageReader reader(
        kj::arrayPtr(reinterpret_cast<const capnp::word*>(body.data()), body.size()), options);
    return read(reader.getRoot<Struct>());
  } catch (const kj::Exception& e) {
    return malformed(e.getDescription().cStr());
  } catch (const std::exception& e) {
    return malformed(e.what());
  }
}

}  // namespace

std::string encode(const Hello& hello) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::Hello>();
  root.setMinVersion(hello.least_version);
  root.setMaxVersion(hello.most_version);
  auto list = root.initTransports(static_cast<unsigned>(hello.transports.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, reader_of(hello.transports[i]));
  root.setTrust(wire_of(hello.trust));
  root.setGreeting(data_of(hello.greeting));
  return record(RecordKind::kHello, 0, message);
}

std::string encode(const OfferRecord& offer, std::uint32_t descriptors) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::Offer>();
  root.setVersion(offer.version);
  root.setTransport(reader_of(offer.transport));
  root.setParameter(offer.parameter);
  root.setTrust(wire_of(offer.trust));
  root.setGreeting(data_of(offer.greeting));
  write_skips(root.initSkipped(static_cast<unsigned>(offer.skipped.size())), offer.skipped);
  return record(RecordKind::kOffer, descriptors, message);
}

std::string encode_accept() {
  return record(RecordKind::kAccept, 0, kj::ArrayPtr<const kj::byte>());
}

std::string encode_reject(const Status& why) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::Reject>();
  root.setCode(static_cast<std::uint16_t>(why.code()));
  root.setReason(reader_of(cut(why.message(), limits::kReasonBytes)));
  return record(RecordKind::kReject, 0, message);
}

std::string encode(const Refusal& refusal) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::Refuse>();
  root.setCode(static_cast<std::uint16_t>(refusal.why.code()));
  root.setReason(reader_of(cut(refusal.why.message(), limits::kReasonBytes)));
  write_skips(root.initSkipped(static_cast<unsigned>(refusal.skipped.size())), refusal.skipped);
  root.setMinVersion(kLeastVersion);
  root.setMaxVersion(kMostVersion);
  return record(RecordKind::kRefuse, 0, message);
}

Result<RecordHeader> decode_header(std::span<const std::byte, kHeaderBytes> bytes) {
  RawHeader raw{};
  std::memcpy(&raw, bytes.data(), kHeaderBytes);
  if (raw.magic != kMagic) {
    return Status::unavailable(
        "what it sent is not ferry's protocol: no ferry is at the other end");
  }
  if (raw.body_bytes > limits::kHandshakeBodyBytes || raw.body_bytes % sizeof(std::uint64_t) != 0) {
    return Status::invalid_argument("a handshake record says that its body has " +
                                    std::to_string(raw.body_bytes) +
                                    " bytes; it must be a multiple of 8, at most " +
                                    std::to_string(limits::kHandshakeBodyBytes));
  }
  return RecordHeader{raw.version, static_cast<RecordKind>(raw.kind), raw.body_bytes,
                      raw.descriptors};
}

Result<Hello> decode_hello(Body body) {
  auto hello = decode<wire::Hello>(body, "HELLO", [](wire::Hello::Reader root) {
    Hello value;
    value.least_version = root.getMinVersion();
    value.most_version = root.getMaxVersion();
    value.trust = trust_of(root.getTrust());
    value.greeting = bytes_of(root.getGreeting());
    const auto list = root.getTransports();
    // One more than allowed, so that the check below sees that there are too many.
    const unsigned count =
        std::min(list.size(), static_cast<unsigned>(limits::kWantedTransports) + 1);
    for (unsigned i = 0; i < count; ++i) {
      value.transports.push_back(printable(list[i], limits::kTransportNameBytes));
    }
    return value;
  });
  if (!hello) return hello;
  if (hello->transports.size() > limits::kWantedTransports) {
    return Status::invalid_argument("malformed HELLO record: it asks for more than " +
                                    std::to_string(limits::kWantedTransports) + " transports");
  }
  if (hello->greeting.size() > limits::kGreetingBytes) {
    return Status::invalid_argument("malformed HELLO record: its greeting has " +
                                    std::to_string(hello->greeting.size()) + " bytes, at most " +
                                    std::to_string(limits::kGreetingBytes) + " are allowed");
  }
  return hello;
}

Result<OfferRecord> decode_offer(Body body) {
  auto offer = decode<wire::Offer>(body, "OFFER", [](wire::Offer::Reader root) {
    OfferRecord value;
    value.version = root.getVersion();
    value.transport = printable(root.getTransport(), limits::kTransportNameBytes);
    value.parameter = root.getParameter();
    value.trust = trust_of(root.getTrust());
    value.greeting = bytes_of(root.getGreeting());
    value.skipped = read_skips(root.getSkipped());
    return value;
  });
  if (offer && offer->greeting.size() > limits::kGreetingBytes) {
    return Status::invalid_argument("malformed OFFER record: its greeting has " +
                                    std::to_string(offer->greeting.size()) + " bytes, at most " +
                                    std::to_string(limits::kGreetingBytes) + " are allowed");
  }
  return offer;
}

Status decode_reject(Body body) {
  struct Why {
    Status status;
  };
  auto why = decode<wire::Reject>(body, "REJECT", [](wire::Reject::Reader root) {
    return Why{status_of(root.getCode(), root.getReason())};
  });
  return why ? why->status : why.status();
}

Result<Refusal> decode_refuse(Body body) {
  return decode<wire::Refuse>(body, "REFUSE", [](wire::Refuse::Reader root) {
    return Refusal{status_of(root.getCode(), root.getReason()), read_skips(root.getSkipped())};
  });
}

}  // namespace ferry::transports
