// Encoding the plain form into a message.
// For generated code; not for users.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include <ferry/attach.h>
#include <ferry/box.h>
#include <ferry/support/codec_error.h>
#include <ferry/support/descriptors.h>
#include <ferry/support/form.h>

namespace ferry::support {

// Elements a Cap'n Proto list may have, and bytes a Data may: the pointer has 29 bits for it
// (capnproto.org/encoding.html). A Text needs one for its NUL.
inline constexpr std::size_t kListElements = (std::size_t{1} << 29) - 2;

// `size` as Cap'n Proto wants it.
inline unsigned checked_size(std::size_t size, const Place& where) {
  if (size > kListElements) {
    fail(Status::invalid_argument(where.to_string() + ": has " + std::to_string(size) +
                                  " elements, a message can hold " +
                                  std::to_string(kListElements)));
  }
  return static_cast<unsigned>(size);
}

// Whether a field is written even when it is empty: because empty is not its default, or because it
// is a union's arm, which writing makes the active one.
enum class When { kNotEmpty, kAlways };

// One value of Cap'n Proto type T. `init(size...)` makes the place for it in the message; `set`
// puts a client there. A Plain form is moved from: its descriptors go into the message.
template <typename T, typename Value, typename Init, typename Set>
void encode(Value& value, const Place& where, When when, Init&& init, Set&& set);

struct NoSet {
  template <typename Client>
  void operator()(Client&&) const = delete;
};

template <typename T, typename Value, typename Init>
void encode(Value& value, const Place& where, When when, Init&& init) {
  encode<T>(value, where, when, std::forward<Init>(init), NoSet{});
}

// A descriptor; what is null or invalid is left null, and the rules decide about that later.
template <typename Set>
void encode_fd(const FdArg& value, const Place& where, Set&& set) {
  if (!value.valid()) return;
  Result<Attachment> attachment = attach_argument(value, where);
  if (!attachment.ok()) fail(attachment.status());
  set(*attachment);
}
template <typename Set>
void encode_fd(UniqueFd& value, const Place&, Set&& set) {
  if (value.valid()) set(attach(std::move(value)));
}
template <typename Fd, typename Set>
void encode_fd(std::optional<Fd>& value, const Place& where, Set&& set) {
  if (value) encode_fd(*value, where, set);
}
template <typename Fd, typename Set>
void encode_fd(const std::optional<Fd>& value, const Place& where, Set&& set) {
  if (value) encode_fd(*value, where, set);
}

// The elements of a list that is already there.
template <typename T, typename Values, typename Builder>
void encode_elements(Values& values, Builder list, const Place& where) {
  const unsigned count = list.size();
  for (unsigned i = 0; i < count; ++i) {
    if constexpr (kIsFd<T>) {
      encode_fd(values[i], Place(where, i),
                [&](typename T::Client client) { list.set(i, kj::mv(client)); });
    } else if constexpr (capnp::kind<T>() == capnp::Kind::STRUCT) {
      Codec<T>::encode(values[i], list[i], Place(where, i));
    } else if constexpr (std::is_same_v<T, capnp::Void>) {
      return;
    } else if constexpr (capnp::kind<T>() == capnp::Kind::PRIMITIVE ||
                         capnp::kind<T>() == capnp::Kind::ENUM) {
      list.set(i, values[i]);
    } else {
      auto init = [&](unsigned size) { return list.init(i, size); };
      encode<T>(values[i], Place(where, i), When::kNotEmpty, init);
    }
  }
}

template <typename T>
struct ElementOf;
template <typename T, capnp::Kind kind>
struct ElementOf<capnp::List<T, kind>> {
  using Type = T;
};

template <typename T, typename Value, typename Init, typename Set>
void encode(Value& value, const Place& where, When when, Init&& init, Set&& set) {
  if constexpr (kIsFd<T>) {
    encode_fd(value, where, set);
  } else if constexpr (capnp::kind<T>() == capnp::Kind::STRUCT) {
    Codec<T>::encode(value, init(), where);
  } else {
    if (when == When::kNotEmpty && value.empty()) return;
    auto builder = init(checked_size(value.size(), where));
    if constexpr (capnp::kind<T>() == capnp::Kind::BLOB) {
      if (!value.empty()) std::memcpy(builder.begin(), value.data(), value.size());
    } else {
      encode_elements<typename ElementOf<T>::Type>(value, builder, where);
    }
  }
}

// A struct that the same struct may hold, owned or borrowed; none leaves the field null.
template <typename T, typename Value, typename Init>
void encode_boxed(Value& value, const Place& where, Init&& init) {
  if (value) Codec<T>::encode(*value, init(), where);
}

// A union's tag that this program's schema doesn't have: it came from a newer peer, and what
// belongs to it is not here.
[[noreturn]] inline void unknown_arm(unsigned tag, const Place& where) {
  fail(Status::invalid_argument(where.to_string() + ".which: " + std::to_string(tag) +
                                " is no member of this union"));
}

}  // namespace ferry::support
