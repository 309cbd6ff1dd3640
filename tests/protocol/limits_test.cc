// Peers that go over a limit: of the window, of descriptors, of calls.
#include <gtest/gtest.h>

#include "runtime/protocol/call_table.h"
#include "tests/protocol/staged.h"

namespace ferry::protocol::testing {
namespace {

TEST(Limits, WindowOverrunIsAnError) {
  Session::Options options;
  options.window_bytes = 1024;
  Wire in;
  Wire out;
  Endpoint end(options, in, out);
  std::vector<OwnedEvent> events;
  for (std::uint32_t i = 0; i < 9; ++i) {  // 72 each: 520 are charged after seven and a bit
    in.bytes = raw_call(i, words(1)).bytes();
    ASSERT_TRUE(end.receive(events)) << i << end.failure;
  }
  in.bytes = raw_call(9, words(100)).bytes();
  EXPECT_FALSE(end.receive(events));
  EXPECT_EQ(end.failure.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(end.failure.message().find("window of 1024"), std::string::npos) << end.failure;
}

TEST(Limits, SixtyFifthMessageWithDescriptorsIsAnErrorAndLeaksNothing) {
  const std::size_t before = open_descriptors();
  {
    Staged staged;
    for (std::uint32_t i = 0; i < limits::kUnreadDescriptorMessages; ++i) {
      ASSERT_TRUE(staged.take(raw_call(0x10010 + i, words(1), 1, {0}).bytes()));
    }
    EXPECT_FALSE(staged.take(raw_call(0x10100, words(1), 1, {0}).bytes()));
    EXPECT_EQ(staged.failure().code(), StatusCode::kResourceExhausted);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Limits, CallsALittleOverTheLimitAreRefusedAndCostNothing) {
  Session::Options options;
  options.calls_in_flight = 2;
  Wire in;
  Wire out;
  Endpoint end(options, in, out);
  std::vector<OwnedEvent> events;
  for (std::uint32_t i = 0; i < 2; ++i) {
    in.bytes = raw_call(i, words(1)).bytes();
    ASSERT_TRUE(end.receive(events));
  }
  RawFrame large = raw_call(3, words(8));
  large.header.message_bytes = 128;
  for (const RawFrame& frame : {raw_call(2, words(1)), large, raw_chunk(3, false, 64, words(8))}) {
    in.bytes = frame.bytes();
    ASSERT_TRUE(end.receive(events)) << end.failure;
  }
  EXPECT_EQ(events.size(), 2U) << "the refused ones make no event";
  EXPECT_EQ(end.session.bytes_held(), 0U);
  EXPECT_EQ(end.session.calls_in(), 2U);
  end.send();
  for (const std::uint32_t id : {2U, 3U}) {
    const FrameHeader header = decode_header(out.bytes);
    EXPECT_EQ(header.type, static_cast<std::uint8_t>(FrameType::kReply));
    EXPECT_EQ(header.call_id, id);
    EXPECT_EQ(header.code_or_method, static_cast<std::uint16_t>(StatusCode::kResourceExhausted));
    out.bytes.erase(out.bytes.begin(), out.bytes.begin() + header.size);
  }
  in.bytes = raw_call(2 + kRefusedCalls, words(1)).bytes();
  EXPECT_FALSE(end.receive(events)) << "gross abuse";
}

}  // namespace
}  // namespace ferry::protocol::testing
