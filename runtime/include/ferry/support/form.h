// The plain form: which C++ type stands for which Cap'n Proto type.
//
//   Cap'n Proto     owned (Plain)                    borrowed (View)
//   Bool, Int8 ...  bool, std::int8_t ...            the same
//   enum E          E, as capnpc-c++ declares it     the same
//   Void            std::monostate                   the same
//   Text            std::string                      std::string_view
//   Data            std::vector<std::byte>           std::span<const std::byte>
//   List(T)         std::vector<owned T>             std::span<const borrowed T>
//   struct S        Plain<S>                         View<S>
//   Fd              UniqueFd                         FdArg
//
// A field marked $optional has std::optional around the descriptor. A struct that contains itself
// has a Box (owned) or a pointer (borrowed) there. A field of type Void has no member.
//
// A View refers to memory that somebody else owns, and is trivially destructible: g++ 12 destroys a
// braced aggregate with a non-trivial destructor twice inside a co_await expression.
//
// For generated code; users see the types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <capnp/any.h>
#include <capnp/blob.h>
#include <capnp/capability.h>
#include <capnp/generated-header-support.h>
#include <capnp/list.h>

#include <ferry/rpc.capnp.h>
#include <ferry/unique_fd.h>

namespace ferry {

// The plain forms of a struct, specialised by generated code.
template <typename S>
struct View;
template <typename S>
struct Plain;

namespace support {

// How a struct is encoded, decoded and walked, specialised by generated code.
template <typename S>
struct Codec;

// Whether T is the struct or interface with this id, under any brand: what generic types are
// specialised on, because C++ can't deduce the arguments of a type nested in a template.
template <typename T, std::uint64_t id>
concept IsType = requires {
  requires T::_capnpPrivate::typeId == id;
};

template <typename T>
inline constexpr bool kIsFd = false;
template <typename T>
requires(capnp::kind<T>() == capnp::Kind::INTERFACE) inline constexpr bool kIsFd<T> =
    std::is_base_of_v<rpc::Fd::Client, typename T::Client>;

// What stands for a type that has no plain form: AnyPointer, and generics left unbound.
struct NoPlainForm {};

template <typename T>
struct Forms {
  using Owned = NoPlainForm;
  using Borrowed = NoPlainForm;
};
template <typename T>
requires(capnp::kind<T>() == capnp::Kind::PRIMITIVE ||
         capnp::kind<T>() == capnp::Kind::ENUM) struct Forms<T> {
  using Owned = T;
  using Borrowed = T;
};
template <>
struct Forms<capnp::Void> {
  using Owned = std::monostate;
  using Borrowed = std::monostate;
};
template <>
struct Forms<capnp::Text> {
  using Owned = std::string;
  using Borrowed = std::string_view;
};
template <>
struct Forms<capnp::Data> {
  using Owned = std::vector<std::byte>;
  using Borrowed = std::span<const std::byte>;
};
template <typename T, capnp::Kind kind>
struct Forms<capnp::List<T, kind>> {
  using Owned = std::vector<typename Forms<T>::Owned>;
  using Borrowed = std::span<const typename Forms<T>::Borrowed>;
};
template <typename T>
requires(capnp::kind<T>() == capnp::Kind::STRUCT) struct Forms<T> {
  using Owned = Plain<T>;
  using Borrowed = View<T>;
};
template <typename T>
requires kIsFd<T>
struct Forms<T> {
  using Owned = UniqueFd;
  using Borrowed = FdArg;
};

// Whether a value of type T can hold descriptors, and whether it has a plain form. Where that
// depends on a type parameter the answer is C++'s to find.
template <typename T>
inline constexpr bool kHoldsDescriptors = capnp::kind<T>() == capnp::Kind::OTHER || kIsFd<T>;
template <typename T, capnp::Kind kind>
inline constexpr bool kHoldsDescriptors<capnp::List<T, kind>> = kHoldsDescriptors<T>;
template <typename T>
requires(capnp::kind<T>() ==
         capnp::Kind::STRUCT) inline constexpr bool kHoldsDescriptors<T> = Codec<T>::kDescriptors;

template <typename T>
inline constexpr bool kHasPlainForm = !std::is_same_v<typename Forms<T>::Owned, NoPlainForm>;
template <typename T, capnp::Kind kind>
inline constexpr bool kHasPlainForm<capnp::List<T, kind>> = kHasPlainForm<T>;
template <typename T>
requires(capnp::kind<T>() ==
         capnp::Kind::STRUCT) inline constexpr bool kHasPlainForm<T> = Codec<T>::kPlainForm;

// The Cap'n Proto type that a getter's result is read as.
template <typename Value>
struct ReadType {
  using Type = Value;
};
template <typename Value>
requires(
    requires { typename Value::Reads; } &&
    !requires { typename Value::Calls; }) struct ReadType<Value> {
  using Type = typename Value::Reads;
};
template <typename Value>
requires requires { typename Value::Calls; }
struct ReadType<Value> {
  using Type = typename Value::Calls;
};
template <typename Value>
using ReadAs = typename ReadType<std::decay_t<Value>>::Type;

// Members whose type depends on a type parameter: as their getter says.
template <typename Value>
using OwnedFor = typename Forms<ReadAs<Value>>::Owned;
template <typename Value>
using BorrowedFor = typename Forms<ReadAs<Value>>::Borrowed;

// The parameters or results of a method as its users see them.
template <typename S, bool plain = kHasPlainForm<S>>
struct MessageForms {
  using Params = View<S>;
  using Reply = Plain<S>;
};
template <typename S>
struct MessageForms<S, false> {
  using Params = NoPlainForm;
  using Reply = NoPlainForm;
};

}  // namespace support
}  // namespace ferry
