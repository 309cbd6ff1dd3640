// Decoding a message into the plain form.
// For generated code; not for users.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ferry/attach.h>
#include <ferry/box.h>
#include <ferry/limits.h>
#include <ferry/support/arena.h>
#include <ferry/support/codec_error.h>
#include <ferry/support/descriptors.h>
#include <ferry/support/form.h>

namespace ferry::support {

// What one decoding needs: the memory for the lists of a View, and a bound on all lists, because a
// few bytes of message can claim many elements.
class Decoder {
 public:
  // For a Plain, which owns its memory.
  Decoder() = default;
  // For a View; what is decoded lives as long as `arena`.
  explicit Decoder(Arena& arena) : arena_(&arena) {}

  template <typename T>
  [[nodiscard]] std::span<T> make(std::size_t count) {
    charge(count, sizeof(T));
    return arena_->make<T>(count);
  }

  void charge(std::size_t count, std::size_t bytes_each) {
    if (count * bytes_each > budget_) {
      fail(Status::resource_exhausted("decoded, the lists of this message take more than " +
                                      std::to_string(limits::kDecodedBytes) + " bytes"));
    }
    budget_ -= count * bytes_each;
  }

 private:
  Arena* arena_ = nullptr;
  std::size_t budget_ = limits::kDecodedBytes;
};

// One value as its getter returned it.
template <typename In>
void decode(const In& in, UniqueFd& out, Decoder&) {
  Result<UniqueFd> taken = take(in);
  if (!taken.ok()) fail(taken.status());
  out = std::move(*taken);
}
template <typename In>
void decode(const In& in, FdArg& out, Decoder&) {
  if (UniqueFd* owned = attached(in)) out = FdArg(std::move(*owned));
}
template <typename In, typename Fd>
void decode(const In& in, std::optional<Fd>& out, Decoder& decoder) {
  decode(in, out.emplace(), decoder);
}
inline void decode(capnp::Text::Reader in, std::string_view& out, Decoder&) {
  out = {in.begin(), in.size()};
}
inline void decode(capnp::Text::Reader in, std::string& out, Decoder&) {
  out.assign(in.begin(), in.size());
}
inline void decode(capnp::Data::Reader in, std::span<const std::byte>& out, Decoder&) {
  out = std::as_bytes(std::span(in.begin(), in.size()));
}
inline void decode(capnp::Data::Reader in, std::vector<std::byte>& out, Decoder&) {
  const auto bytes = std::as_bytes(std::span(in.begin(), in.size()));
  out.assign(bytes.begin(), bytes.end());
}

template <typename Reader, typename Out>
void decode_elements(Reader list, Out& out, Decoder& decoder);

template <typename T, capnp::Kind kind>
using ListReader = typename capnp::List<T, kind>::Reader;

template <typename In, typename T>
requires(capnp::kind<ReadAs<In>>() ==
         capnp::Kind::LIST) void decode(const In& in, std::vector<T>& out, Decoder& decoder) {
  decoder.charge(in.size(), sizeof(T));
  out.clear();
  out.resize(in.size());
  decode_elements(in, out, decoder);
}
template <typename In, typename T>
requires(capnp::kind<ReadAs<In>>() ==
         capnp::Kind::LIST) void decode(const In& in, std::span<const T>& out, Decoder& decoder) {
  const std::span<T> elements = decoder.make<T>(in.size());
  decode_elements(in, elements, decoder);
  out = elements;
}
template <typename In, typename Out>
requires(capnp::kind<ReadAs<In>>() == capnp::Kind::STRUCT) void decode(const In& in, Out& out,
                                                                       Decoder& decoder) {
  Codec<ReadAs<In>>::decode(in, out, decoder);
}

// Element `i` of a list is null: only lists of pointers have such.
template <typename Reader>
bool null_element(const Reader& list, unsigned i) {
  return capnp::AnyList::Reader(list).template as<capnp::List<capnp::AnyPointer>>()[i].isNull();
}

// Copies a list of numbers at once. False when it can't be: its elements are no numbers, or stand
// apart because the peer's schema has structs there (a List(Int32) may have become such).
template <typename Element, typename Reader, typename Out>
bool copy_numbers(const Reader& list, Out& out) {
  if constexpr (std::is_same_v<Element, bool> || !std::is_arithmetic_v<Element> ||
                std::endian::native != std::endian::little) {
    return false;
  } else {
    constexpr auto kSize = sizeof(Element) == 1   ? capnp::ElementSize::BYTE
                           : sizeof(Element) == 2 ? capnp::ElementSize::TWO_BYTES
                           : sizeof(Element) == 4 ? capnp::ElementSize::FOUR_BYTES
                                                  : capnp::ElementSize::EIGHT_BYTES;
    const capnp::AnyList::Reader any(list);
    if (list.size() == 0 || any.getElementSize() != kSize) return false;
    const auto bytes = any.getRawBytes();
    std::memcpy(out.data(), bytes.begin(), std::min(bytes.size(), out.size() * sizeof(Element)));
    return true;
  }
}

template <typename Reader, typename Out>
void decode_elements(Reader list, Out& out, Decoder& decoder) {
  using Element = ReadAs<decltype(list[0])>;
  const unsigned count = list.size();
  if (copy_numbers<Element>(list, out)) return;
  for (unsigned i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<Element, capnp::Void>) {
      return;
    } else if constexpr (capnp::kind<Element>() == capnp::Kind::PRIMITIVE ||
                         capnp::kind<Element>() == capnp::Kind::ENUM) {
      out[i] = list[i];
    } else if constexpr (kIsFd<Element>) {
      if (!null_element(list, i)) decode(list[i], out[i], decoder);
    } else {
      decode(list[i], out[i], decoder);
    }
  }
}

// A struct that the same struct may hold.
template <typename In, typename T>
void decode_boxed(const In& in, Box<T>& out, Decoder& decoder) {
  decode(in, out.emplace(), decoder);
}
template <typename In, typename T>
void decode_boxed(const In& in, const T*& out, Decoder& decoder) {
  T* value = decoder.make<T>(1).data();
  decode(in, *value, decoder);
  out = value;
}

// The default of a field that is no scalar, as a member's initialiser. The getter of a struct
// without a message returns it.
template <typename Out, typename Reader, typename Value>
[[nodiscard]] Out owned_default(Value (Reader::*getter)() const) {
  Out out{};
  Decoder decoder;
  decode((Reader().*getter)(), out, decoder);
  return out;
}
// The same for a View, whose memory is the process's.
template <typename Out, auto getter>
[[nodiscard]] Out borrowed_default() {
  static const Out value = []<typename Reader, typename Value>(Value (Reader::*get)() const) {
    static Arena* const arena = new Arena;  // never freed: views may be used until the very end
    Out out{};
    Decoder decoder(*arena);
    decode((Reader().*get)(), out, decoder);
    return out;
  }(getter);
  return value;
}

}  // namespace ferry::support
