// The records of the handshake, as bytes and as values. docs/handshake.md specifies them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ferry/result.h>
#include <ferry/trust.h>

namespace ferry::transports {

// Versions of the protocol (handshake and what follows) that this code speaks.
inline constexpr std::uint16_t kLeastVersion = 1;
inline constexpr std::uint16_t kMostVersion = 1;

enum class RecordKind : std::uint16_t {
  kHello = 1,
  kOffer = 2,
  kAccept = 3,
  kReject = 4,
  kRefuse = 5,
};

// Stands before every record, little-endian: u32 magic, u16 version, u16 kind, u32 bytes of body,
// u32 descriptors that come with the record, u64 reserved. Its layout never changes.
struct RecordHeader {
  std::uint16_t version = 0;
  RecordKind kind = RecordKind::kHello;
  std::uint32_t body_bytes = 0;
  std::uint32_t descriptors = 0;
};
inline constexpr std::size_t kHeaderBytes = 24;

// A transport that was passed over.
struct Skip {
  std::string transport;
  Status why;
};

struct Hello {
  std::uint16_t least_version = kLeastVersion;
  std::uint16_t most_version = kMostVersion;
  std::vector<std::string> transports;
  Trust trust = Trust::kHostile;
  std::string greeting;
};

struct OfferRecord {
  std::uint16_t version = kMostVersion;
  std::string transport;
  std::uint64_t parameter = 0;
  Trust trust = Trust::kHostile;
  std::string greeting;
  std::vector<Skip> skipped;
};

struct Refusal {
  Status why;
  std::vector<Skip> skipped;
};

// Whole records, header included.
[[nodiscard]] std::string encode(const Hello& hello);
[[nodiscard]] std::string encode(const OfferRecord& offer, std::uint32_t descriptors);
[[nodiscard]] std::string encode_accept();
[[nodiscard]] std::string encode_reject(const Status& why);
[[nodiscard]] std::string encode(const Refusal& refusal);

// What comes from a peer: every length and count is checked, texts are cut to their limits and
// freed of control characters. UNAVAILABLE: not ferry's magic; INVALID_ARGUMENT: malformed. Of
// another version's record only magic and length are looked at.
using Body = std::span<const std::uint64_t>;
[[nodiscard]] Result<RecordHeader> decode_header(std::span<const std::byte, kHeaderBytes> bytes);
[[nodiscard]] Result<Hello> decode_hello(Body body);
[[nodiscard]] Result<OfferRecord> decode_offer(Body body);
// Why the client rejected an offer, or what is wrong with the record that should say so; never OK.
[[nodiscard]] Status decode_reject(Body body);
[[nodiscard]] Result<Refusal> decode_refuse(Body body);

}  // namespace ferry::transports
