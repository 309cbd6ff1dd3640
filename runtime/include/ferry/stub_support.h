// The one header that generated code includes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <ferry/box.h>
#include <ferry/channel.h>
#include <ferry/message.h>
#include <ferry/server_context.h>
#include <ferry/support/decode.h>
#include <ferry/support/encode.h>
#include <ferry/support/form.h>
#include <ferry/support/serve.h>
#include <ferry/support/stub_base.h>
#include <ferry/support/walk.h>

// Which runtime a generated file was written for; a macro so that the text can say #error. Changed
// together with codegen/emit_file.cc.
#define FERRY_GENERATED_CODE_VERSION 1

namespace ferry {

// The client of an interface, and the base of its servers; specialised by generated code.
template <typename X>
class Stub;
template <typename X>
class Service;

}  // namespace ferry
