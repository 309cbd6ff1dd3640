// A small call allocates nothing in generated code and its support.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "all.capnp.ferry.h"
#include "tests/codegen/loopback.h"

namespace {
thread_local bool counting = false;
thread_local std::size_t allocations = 0;
void* counted(std::size_t size) {
  if (counting) ++allocations;
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

// kj and the standard library allocate with these.
void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace ferry::testing {
namespace {

namespace in = ::all::inner;

class Pinger final : public Service<in::Base> {
 public:
  Result<PingReply> ping(ServerContext&, PingParams params) override {
    return PingReply{.text = std::string(params.text)};
  }
};

// Takes calls to a service through messages that stay where they were built.
class InPlace final : public support::Caller {
 public:
  explicit InPlace(support::ServiceBase& service) : service_(service) {}
  Status call(const support::Target&, const support::MethodInfo& method,
              support::RawBuilder& request, const CallOptions&,
              support::RawReader& reply) override {
    support::RawReader in;
    Status status = in.open(whole(request, request_words_));
    if (!status.ok()) return status;
    support::RawBuilder out;
    status = service_.ferry_dispatch(method.interface->type_id, method.ordinal, context_, in, out);
    if (!status.ok()) return status;
    return reply.open(whole(out, reply_words_));
  }

 private:
  static support::WireMessage whole(support::RawBuilder& message,
                                    std::array<std::uint64_t, 128>& into) {
    const auto segments = message.segments();
    EXPECT_EQ(segments.size(), 1u);
    std::memcpy(into.data(), segments[0].data(), segments[0].size());
    support::WireMessage result;
    result.body = std::as_bytes(std::span(into)).first(segments[0].size());
    return result;
  }

  support::ServiceBase& service_;
  LoopbackContext context_{"ping"};
  std::array<std::uint64_t, 128> request_words_{};
  std::array<std::uint64_t, 128> reply_words_{};
};

class Allocations : public ::testing::Test {
 protected:
  Pinger service;
  Stub<in::Base> stub{std::make_shared<InPlace>(service)};
};

TEST_F(Allocations, PlainFormWithAShortTextMakesNone) {
  ASSERT_EQ(stub.ping({.text = "short"})->text, "short");
  counting = true;
  for (int i = 0; i < 100; ++i) {
    auto reply = stub.ping({.text = "short"});
    if (!reply) break;
  }
  counting = false;
  EXPECT_EQ(allocations, 0u);
}

TEST_F(Allocations, MessageFormMakesNoneWithALongTextEither) {
  const std::string text(200, 'x');
  allocations = 0;
  counting = true;
  bool ok = true;
  for (int i = 0; i < 100; ++i) {
    MessageBuilder<in::Base::PingParams> request;
    auto builder = request->initText(static_cast<unsigned>(text.size()));
    std::memcpy(builder.begin(), text.data(), text.size());
    auto reply = stub.ping(request);
    ok = ok && reply.ok();
  }
  counting = false;
  EXPECT_TRUE(ok);
  // The service under it answers in plain form: its std::string is the only one to allocate.
  EXPECT_EQ(allocations, 100u);
}

// CPU time of this thread, so that a busy machine doesn't count.
std::chrono::nanoseconds cpu_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// Printed, and bounded only roughly because machines differ: 4 messages are built and read in it.
TEST_F(Allocations, OneCallThroughBothSidesTakesLessThanTwoMicroseconds) {
  constexpr int kCalls = 100000;
  const auto start = cpu_time();
  std::size_t bytes = 0;
  for (int i = 0; i < kCalls; ++i) bytes += stub.ping({.text = "fifteen letters"})->text.size();
  const std::chrono::nanoseconds each = (cpu_time() - start) / kCalls;
  EXPECT_EQ(bytes, std::size_t{15} * kCalls);
  std::printf("one call: %ld ns\n", static_cast<long>(each.count()));
  EXPECT_LT(each, std::chrono::microseconds(2));
}

}  // namespace
}  // namespace ferry::testing
