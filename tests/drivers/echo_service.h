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

namespace ferry::testing {

inline constexpr support::InterfaceInfo kEcho{0xec40ec40ec40ec40, "test.Echo"};
inline constexpr support::MethodInfo kEchoMethod{&kEcho, 0, "echo"};
inline constexpr support::MethodInfo kFail{&kEcho, 1, "fail"};
inline constexpr support::MethodInfo kHang{&kEcho, 2, "hang"};  // until cancelled
inline constexpr support::MethodInfo kWho{&kEcho, 3, "who"};    // pid, uid, transport
inline constexpr support::MethodInfo kUnknown{&kEcho, 99, "unknown"};

// Messages are one Data at the root.
class EchoService final : public support::ServiceBase {
 public:
  std::span<const support::InterfaceInfo* const> ferry_interfaces() const override;
  std::string_view ferry_method_name(std::uint64_t, std::uint16_t) const override {
    return "test.Echo";
  }
  Status ferry_dispatch(std::uint64_t interface_id, std::uint16_t ordinal, ServerContext& context,
                        support::RawReader& request, support::RawBuilder& reply) override;

  std::atomic<int> hanging{0};
  std::atomic<int> calls{0};
};

// Calls `method` with `text`; the reply's text.
Result<std::string> call(support::Caller& caller, const support::MethodInfo& method,
                         std::string_view text, const CallOptions& options = {},
                         const support::InterfaceInfo& interface = kEcho,
                         std::string_view instance = {});

}  // namespace ferry::testing
