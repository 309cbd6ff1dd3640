// Frames cut anywhere, and frames with any one field corrupted.
#include <random>

#include <gtest/gtest.h>

#include "tests/protocol/staged.h"

namespace ferry::protocol::testing {
namespace {

TEST(Frames, EveryPrefixWaitsAndThenTheRestIsTaken) {
  const std::size_t before = open_descriptors();
  const Staged names;
  const std::size_t count = valid_frames(names).size();
  for (std::size_t i = 0; i < count; ++i) {
    Staged whole;
    const NamedFrame named = valid_frames(whole)[i];
    const auto bytes = named.frame.bytes();
    ASSERT_TRUE(whole.take(bytes)) << named.name << ": " << whole.failure();
    for (std::size_t cut = 0; cut < bytes.size(); cut += cut < 128 ? 1 : 509) {
      Staged staged;
      ASSERT_TRUE(staged.take(Bytes(bytes).first(cut))) << named.name;
      EXPECT_EQ(staged.events(), 0U) << named.name << " at " << cut;
      ASSERT_TRUE(staged.take(Bytes(bytes).subspan(cut))) << named.name << ": " << staged.failure();
      EXPECT_EQ(staged.events(), whole.events()) << named.name << " at " << cut;
    }
  }
  EXPECT_EQ(open_descriptors(), before);
}

struct Field {
  std::size_t offset;
  std::size_t width;
};

// The fields of a frame's header and of what follows it, by its type.
std::vector<Field> fields_of(const RawFrame& frame) {
  std::vector<Field> fields = {{0, 4},  {4, 1},  {5, 1},  {6, 2},  {8, 4},
                               {12, 4}, {16, 1}, {17, 1}, {18, 2}, {20, 4}};
  const auto type = static_cast<FrameType>(frame.header.type);
  if (type == FrameType::kCall) {
    for (const Field field : {Field{24, 8}, {32, 8}, {40, 4}, {44, 4}, {48, 4}, {52, 4}}) {
      fields.push_back(field);
    }
  }
  if (type == FrameType::kReply) {
    for (const Field field : {Field{24, 4}, {28, 4}}) fields.push_back(field);
  }
  // The first words of the slots, the segment table or the text.
  const std::size_t end = sizeof(FrameHeader) + frame.rest.size();
  for (std::size_t at = type == FrameType::kCall ? 56 : 32; at + 8 <= end && at < 80; at += 2) {
    fields.push_back({at, 2});
  }
  return fields;
}

std::vector<std::uint64_t> values_for(std::uint64_t is, std::mt19937_64& random) {
  std::vector<std::uint64_t> values = {0,
                                       1,
                                       2,
                                       7,
                                       8,
                                       is + 1,
                                       is - 1,
                                       is + 8,
                                       is - 8,
                                       is * 2,
                                       0x7fffffff,
                                       0x80000000,
                                       ~std::uint64_t{0},
                                       ~std::uint64_t{7}};
  for (int i = 0; i < 6; ++i) values.push_back(random());
  for (int i = 0; i < 6; ++i) values.push_back(random() % 256);
  return values;
}

TEST(Frames, EverySingleCorruptedFieldIsTakenOrRefusedWithAReason) {
  const std::size_t before = open_descriptors();
  std::mt19937_64 random(20240611);
  std::size_t taken = 0;
  std::size_t refused = 0;
  const Staged names;
  const std::size_t count = valid_frames(names).size();
  for (std::size_t i = 0; i < count; ++i) {
    const NamedFrame named = valid_frames(names)[i];
    const auto bytes = named.frame.bytes();
    for (const Field field : fields_of(named.frame)) {
      std::uint64_t is = 0;
      std::memcpy(&is, bytes.data() + field.offset, field.width);
      for (const std::uint64_t value : values_for(is, random)) {
        auto corrupt = bytes;
        std::memcpy(corrupt.data() + field.offset, &value, field.width);
        Staged staged;
        // What comes behind a frame whose size lies is parsed as frames, too.
        const bool ok = staged.take(corrupt) && staged.take(bytes) && staged.take(corrupt);
        ++(ok ? taken : refused);
        if (ok) continue;
        const StatusCode code = staged.failure().code();
        EXPECT_TRUE(code == StatusCode::kDataLoss || code == StatusCode::kInvalidArgument ||
                    code == StatusCode::kResourceExhausted || code == StatusCode::kUnimplemented)
            << named.name << " at " << field.offset << ": " << staged.failure();
        EXPECT_GT(staged.failure().message().size(), 20U);
      }
    }
  }
  EXPECT_GT(taken, 500U);
  EXPECT_GT(refused, 5000U);
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace ferry::protocol::testing
