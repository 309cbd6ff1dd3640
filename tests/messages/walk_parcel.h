// The walk over a Parcel, as generated code does it.
#pragma once

#include <ferry/status.h>
#include <ferry/support/descriptors.h>

#include "tests/messages/parcel.capnp.h"

namespace ferry::testing {

// `file_rule` is what Parcel.file's own annotation would say.
[[nodiscard]] Status walk_parcel(support::DescriptorVisitor& visitor, Parcel::Reader parcel,
                                 const support::FdRule* file_rule = nullptr);

// Collects the descriptors of `builder`, whose root is a Parcel.
[[nodiscard]] Status collect(support::RawBuilder& builder,
                             const support::FdRule* file_rule = nullptr);
// Checks those of `reader`.
[[nodiscard]] Status check(support::RawReader& reader, const support::FdRule* file_rule = nullptr);

// Optional unless a test says otherwise.
inline constexpr support::FdRule kOptional{.optional = true};

}  // namespace ferry::testing
