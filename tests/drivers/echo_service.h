// A service written by hand, without generated code: drivers are tested on their own.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <ferry/call_options.h>
#include <ferry/result.h>
#include <ferry/support/call.h>
#include <ferry/support/service_base.h>

#include "tests/support/gate.h"

namespace ferry::testing {

inline constexpr support::InterfaceInfo kEcho{0xec40ec40ec40ec40, "test.Echo"};
inline constexpr support::MethodInfo kEchoMethod{&kEcho, 0, "echo"};
inline constexpr support::MethodInfo kFail{&kEcho, 1, "fail"};
inline constexpr support::MethodInfo kHang{&kEcho, 2, "hang"};  // until cancelled
// "pid uid gid trust transport method" of the call.
inline constexpr support::MethodInfo kWho{&kEcho, 3, "who"};
inline constexpr support::MethodInfo kHold{&kEcho, 4, "hold"};  // through the service's gate
// Milliseconds until the call's deadline, or "never".
inline constexpr support::MethodInfo kTimeLeft{&kEcho, 5, "timeLeft"};
inline constexpr support::MethodInfo kUnknown{&kEcho, 99, "unknown"};

// Messages are one Data at the root.
class EchoService final : public support::ServiceBase {
 public:
  // As `interface`, with the methods above.
  explicit EchoService(const support::InterfaceInfo& interface = kEcho) : interface_(&interface) {}

  std::span<const support::InterfaceInfo* const> ferry_interfaces() const override {
    return {&interface_, 1};
  }
  std::string_view ferry_method_name(std::uint64_t interface_id,
                                     std::uint16_t ordinal) const override;
  Status ferry_dispatch(std::uint64_t interface_id, std::uint16_t ordinal, ServerContext& context,
                        support::RawReader& request, support::RawBuilder& reply) override;

  std::atomic<int> hanging{0};
  std::atomic<int> calls{0};
  Gate* gate = nullptr;  // that kHold goes through

 private:
  const support::InterfaceInfo* interface_;
};

// Calls `method` with `text`; the reply's text.
Result<std::string> call(support::Caller& caller, const support::MethodInfo& method,
                         std::string_view text, const CallOptions& options = {},
                         const support::InterfaceInfo& interface = kEcho,
                         std::string_view instance = {});

}  // namespace ferry::testing
