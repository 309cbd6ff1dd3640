// Handshake records as bytes: what is written is read again, and nothing a peer writes does harm.
#include "transports/rendezvous/records.h"

#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include <ferry/limits.h>

namespace ferry::transports {
namespace {

std::span<const std::byte, kHeaderBytes> header_of(const std::string& record) {
  return std::span<const std::byte, kHeaderBytes>(reinterpret_cast<const std::byte*>(record.data()),
                                                  kHeaderBytes);
}

std::vector<std::uint64_t> body_of(const std::string& record) {
  std::vector<std::uint64_t> words((record.size() - kHeaderBytes) / sizeof(std::uint64_t));
  std::memcpy(words.data(), record.data() + kHeaderBytes, words.size() * sizeof(std::uint64_t));
  return words;
}

Hello some_hello() {
  Hello hello;
  hello.least_version = 1;
  hello.most_version = 3;
  hello.transports = {"mq", "memfd", "unix"};
  hello.trust = Trust::kSameUser;
  hello.greeting = std::string("bytes\0with zeros", 16);
  return hello;
}

OfferRecord some_offer() {
  OfferRecord offer;
  offer.version = 2;
  offer.transport = "memfd";
  offer.parameter = 65536;
  offer.trust = Trust::kFull;
  offer.greeting = "hi";
  offer.skipped = {{"mq", Status::resource_exhausted("RLIMIT_MSGQUEUE is 819200")},
                   {"shm", Status::permission_denied("not for uid 7")}};
  return offer;
}

void expect_equal(const std::vector<Skip>& a, const std::vector<Skip>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].transport, b[i].transport);
    EXPECT_EQ(a[i].why, b[i].why);
  }
}

TEST(Records, HeaderSaysKindSizeAndDescriptors) {
  const std::string record = encode(some_offer(), 3);
  auto header = decode_header(header_of(record));
  ASSERT_TRUE(header) << header.status();
  EXPECT_EQ(header->version, kMostVersion);
  EXPECT_EQ(header->kind, RecordKind::kOffer);
  EXPECT_EQ(header->body_bytes, record.size() - kHeaderBytes);
  EXPECT_EQ(header->descriptors, 3u);
  EXPECT_EQ(record.substr(0, 4), "FRRY");
  EXPECT_EQ(encode_accept().size(), kHeaderBytes);
}

TEST(Records, HelloIsReadAsItWasWritten) {
  const Hello sent = some_hello();
  auto got = decode_hello(body_of(encode(sent)));
  ASSERT_TRUE(got) << got.status();
  EXPECT_EQ(got->least_version, sent.least_version);
  EXPECT_EQ(got->most_version, sent.most_version);
  EXPECT_EQ(got->transports, sent.transports);
  EXPECT_EQ(got->trust, sent.trust);
  EXPECT_EQ(got->greeting, sent.greeting);
}

TEST(Records, OfferIsReadAsItWasWritten) {
  const OfferRecord sent = some_offer();
  auto got = decode_offer(body_of(encode(sent, 0)));
  ASSERT_TRUE(got) << got.status();
  EXPECT_EQ(got->version, sent.version);
  EXPECT_EQ(got->transport, sent.transport);
  EXPECT_EQ(got->parameter, sent.parameter);
  EXPECT_EQ(got->trust, sent.trust);
  EXPECT_EQ(got->greeting, sent.greeting);
  expect_equal(got->skipped, sent.skipped);
}

TEST(Records, RejectAndRefuseAreReadAsTheyWereWritten) {
  const Status why = Status::resource_exhausted("no room");
  EXPECT_EQ(decode_reject(body_of(encode_reject(why))), why);
  const Refusal sent{why, some_offer().skipped};
  auto got = decode_refuse(body_of(encode(sent)));
  ASSERT_TRUE(got) << got.status();
  EXPECT_EQ(got->why, why);
  expect_equal(got->skipped, sent.skipped);
}

TEST(Records, AFailureNeverReadsAsSuccess) {
  for (const StatusCode code :
       {StatusCode::kOk, static_cast<StatusCode>(17), static_cast<StatusCode>(255)}) {
    EXPECT_EQ(decode_reject(body_of(encode_reject({code, "x"}))).code(), StatusCode::kUnknown);
  }
  EXPECT_FALSE(decode_reject({}).ok());
}

TEST(Records, LongAndDirtyTextsAreCutAndCleaned) {
  const Status why =
      decode_reject(body_of(encode_reject(Status::unknown("line\nferry: error: fake\x1b[2J\x7f"))));
  EXPECT_EQ(why.message(), "line?ferry: error: fake?[2J?");
  const Status cut = decode_reject(body_of(encode_reject(Status::unknown(std::string(5000, 'x')))));
  EXPECT_EQ(cut.message().size(), limits::kReasonBytes);
}

TEST(Records, LargestGreetingWithAllItsCompanyFitsARecord) {
  OfferRecord offer = some_offer();
  offer.greeting.assign(limits::kGreetingBytes, 'g');
  offer.skipped.assign(limits::kWantedTransports,
                       {std::string(limits::kTransportNameBytes, 't'),
                        Status::unknown(std::string(limits::kReasonBytes, 'r'))});
  EXPECT_TRUE(decode_header(header_of(encode(offer, 0))));
}

TEST(Records, RandomDamageToEveryRecordIsHarmless) {
  const std::vector<std::string> records = {encode(some_hello()), encode(some_offer(), 0),
                                            encode_reject(Status::unknown("why")),
                                            encode(Refusal{Status::unknown("why"), {}})};
  std::mt19937 random(20260);  // a failure is repeatable
  int read = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string record = records[random() % records.size()];
    for (unsigned hits = 1 + random() % 8; hits > 0; --hits) {
      record[random() % record.size()] = static_cast<char>(random());
    }
    record.resize(record.size() - random() % 3 * sizeof(std::uint64_t));
    static_cast<void>(decode_header(header_of(record)));
    const auto body = body_of(record);
    read += decode_hello(body).ok() + decode_offer(body).ok() + decode_refuse(body).ok();
    EXPECT_FALSE(decode_reject(body).ok());
  }
  EXPECT_GT(read, 0) << "damage that hits nothing important is read";
  EXPECT_LT(read, 15000) << "and some is noticed";
}

}  // namespace
}  // namespace ferry::transports
