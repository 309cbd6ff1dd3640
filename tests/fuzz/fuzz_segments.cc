// split_segments() with any body and any count.
#include <cstdlib>
#include <cstring>

#include "runtime/protocol/session.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  std::uint32_t count = 0;
  std::memcpy(&count, data, sizeof count);
  std::vector<std::uint64_t> words((size - 4) / 8);
  if (!words.empty()) std::memcpy(words.data(), data + 4, 8 * words.size());
  const auto body = std::as_bytes(std::span(words));
  const auto segments = ferry::protocol::split_segments(body, count);
  if (!segments) return 0;
  // Taken: then they lie one behind another, and fill the body.
  if (segments->size() != count) std::abort();
  const std::byte* at = body.data() + body.size();
  for (auto segment = segments->rbegin(); segment != segments->rend(); ++segment) {
    at -= segment->size();
    if (at < body.data() || (!segment->empty() && segment->data() != at)) std::abort();
  }
  return 0;
}

std::vector<ferry::fuzz::Input> ferry::fuzz::seeds() {
  Input two(4 + 8 + 24);
  two[0] = 2;
  two[4] = 1;
  two[8] = 2;
  Input one(4 + 16);
  one[0] = 1;
  Input many(4 + 511 * 4 + 4);
  many[0] = 0xff;
  many[1] = 1;
  return {two, one, many};
}
