// Messages of the simulator: all that one is follows from its seed, so that either side knows what
// must arrive.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <ferry/status.h>
#include <ferry/support/wire_message.h>

namespace ferry::protocol::testing {

[[nodiscard]] std::vector<std::uint64_t> simulated_data(std::uint64_t seed);
[[nodiscard]] std::uint64_t simulated_segments(std::uint64_t seed);
[[nodiscard]] support::Attachments simulated_attachments(std::uint64_t seed);
// Whether these are that message's: the same files in the same slots.
[[nodiscard]] bool same_attachments(const support::Attachments& attachments, std::uint64_t seed);
// The status that answers a call of that seed; none when it is answered with a message.
[[nodiscard]] std::optional<Status> simulated_status(std::uint64_t seed);

}  // namespace ferry::protocol::testing
