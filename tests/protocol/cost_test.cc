// What a small unary call costs the Session: no allocation in the steady state; and the time,
// printed.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <new>

#include <gtest/gtest.h>

#include "tests/protocol/endpoint.h"

namespace {

std::size_t allocations = 0;  // one thread only

void* counted(std::size_t bytes) {
  ++allocations;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Replaced for this program, so that what the Session allocates is counted.
void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace ferry::protocol::testing {
namespace {

// Carries small calls between two Sessions as a driver would, with nothing of its own that
// allocates.
class SmallCalls {
 public:
  SmallCalls() : client_({}), server_({}) {}

  bool call(const Bytes& segment) {
    const auto id = client_.start_call({.interface_id = 1, .method = 2}, message_of(segment));
    if (!id || !carry(client_, server_) || event_.kind != Event::Kind::kCall) return false;
    server_.release(event_.message.cost, false);
    if (!server_.reply(event_.id, message_of(segment)).ok()) return false;
    if (!carry(server_, client_) || event_.kind != Event::Kind::kReply) return false;
    client_.release(event_.message.cost, false);
    return event_.id == *id && event_.status.ok();
  }

 private:
  // What `from` has to write, all of it one event of `to`.
  bool carry(Session& from, Session& to) {
    if (!from.has_output() || !from.output(output_)) return false;
    std::size_t bytes = 0;
    for (const iovec& piece : output_.bytes) {
      std::memcpy(reinterpret_cast<std::byte*>(buffer_) + bytes, piece.iov_base, piece.iov_len);
      bytes += piece.iov_len;
    }
    from.written(bytes);
    Bytes input = std::as_bytes(std::span(buffer_)).first(bytes);
    const Result<bool> made = to.next(input, TimePoint(), source_, event_);
    return made && *made && input.empty();
  }

  Session client_;
  Session server_;
  Output output_;
  Event event_;
  DescriptorSource source_;
  std::uint64_t buffer_[1024] = {};
};

TEST(Cost, SmallUnaryCallAllocatesNothingInTheSteadyState) {
  SmallCalls calls;
  const auto data = words(8);
  const Bytes segment = bytes_of(data);
  for (int i = 0; i < 50'000; ++i)
    ASSERT_TRUE(calls.call(segment));  // past the first CREDIT frames
  const std::size_t before = allocations;
  for (int i = 0; i < 200'000; ++i) ASSERT_TRUE(calls.call(segment));
  EXPECT_EQ(allocations, before);
  EXPECT_GT(allocations, 0U) << "the count counts nothing";
}

TEST(Cost, TimeOfOneCallIsPrinted) {
  SmallCalls calls;
  const auto data = words(8);
  const Bytes segment = bytes_of(data);
  double best = 1e9;
  constexpr int kCalls = 100'000;
  for (int round = 0; round < 7; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kCalls; ++i) ASSERT_TRUE(calls.call(segment));
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count() / kCalls);
  }
  std::cout << "one call of 64 bytes, both Sessions, both ways: " << best << " ns\n";
}

}  // namespace
}  // namespace ferry::protocol::testing
