// The examples of docs/wire_protocol.md, byte by byte and number by number.
#include <gtest/gtest.h>

#include "tests/protocol/endpoint.h"

namespace ferry::protocol::testing {
namespace {

std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 3) {
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

TEST(WireDocument, BytesOfACallAndItsAnswerAreThoseOfSection3) {
  Pair pair;
  const auto words_of_call = words(2);
  const Bytes call = bytes_of(words_of_call);
  const CallHead head{.interface_id = 0xa0b1c2d3e4f50617,
                      .method = 3,
                      .instance = 1,
                      .time_left = std::chrono::seconds(1)};
  ASSERT_TRUE(pair.a.session.start_call(head, message_with_descriptors(call, 1)));
  pair.a.send();
  auto expected = from_hex(
      "50 00 00 00 01 00 01 00 00 00 01 00 00 00 00 00 00 00 03 00 10 00 00 00 "
      "17 06 f5 e4 d3 c2 b1 a0 00 ca 9a 3b 00 00 00 00 "
      "01 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 "
      "00 00 00 00 00 00 00 00 ");
  expected.insert(expected.end(), call.begin(), call.end());
  EXPECT_EQ(pair.to_b.bytes, expected);

  const OwnedEvent event = pair.b.receive_one();
  pair.b.session.release(event.event.message.cost, true);
  const Bytes answer = call.first(8);
  ASSERT_TRUE(pair.b.session.reply(event.event.id, message_of(answer)).ok());
  pair.b.send();
  expected = from_hex(
      "28 00 00 00 02 00 00 00 00 00 01 00 50 00 00 00 01 00 00 00 08 00 00 00 "
      "00 00 00 00 01 00 00 00 ");
  expected.insert(expected.end(), answer.begin(), answer.end());
  EXPECT_EQ(pair.to_a.bytes, expected);
}

TEST(WireDocument, WindowGoesAsInTheExampleOfSection5) {
  Session::Options options;
  options.window_bytes = 1024;
  options.peer_window_bytes = 1024;
  Pair pair(options, options);
  const auto data = words(2936 / 8);
  std::vector<OwnedEvent> at_a;
  std::vector<OwnedEvent> at_b;
  std::vector<std::int64_t> left;
  for (const std::size_t bytes : {448, 2936, 8}) {
    const Bytes segment = bytes_of(data).first(bytes);
    ASSERT_TRUE(pair.a.session.start_call({}, message_of(segment)));
    left.push_back(pair.a.session.window_left());
  }
  EXPECT_EQ(left, (std::vector<std::int64_t>{512, -2488, -2488}));
  pair.run(at_a, at_b);
  ASSERT_EQ(at_b.size(), 2U);
  pair.b.session.release(512, false);
  pair.run(at_a, at_b);
  EXPECT_EQ(pair.a.session.window_left(), -1976);
  pair.b.session.release(3000, false);
  pair.run(at_a, at_b);
  EXPECT_EQ(pair.a.session.window_left(), 952);
  ASSERT_EQ(at_b.size(), 3U);
  pair.b.session.release(72, false);
  EXPECT_FALSE(pair.b.session.has_output());
}

}  // namespace
}  // namespace ferry::protocol::testing
