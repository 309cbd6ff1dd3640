// Walking a received or built message: every pointer is read once, every descriptor is visited.
// For generated code; not for users.
#pragma once

#include <utility>

#include <ferry/support/codec_error.h>
#include <ferry/support/decode.h>
#include <ferry/support/descriptors.h>
#include <ferry/support/form.h>

namespace ferry::support {

// The rule of a descriptor type; generated code specialises it.
template <typename T>
struct FdTypeRule;
template <>
struct FdTypeRule<rpc::Fd> {
  static constexpr FdRule kRule = kAnyFd;
};

struct Walker {
  DescriptorVisitor* visitor = nullptr;  // null: the message has no descriptors in its schema
  // Read what holds no descriptor too, so that no getter can throw later (message form).
  bool everything = false;
};

// Below an AnyPointer, AnyStruct or AnyList; `pointer` is what its getter returned.
inline void walk_untyped(capnp::AnyPointer::Reader pointer, Walker walker, const Place& where) {
  if (walker.visitor != nullptr) {
    require(walker.visitor->visit_untyped(pointer, kAnyFd, where));
  }
}
inline void walk_untyped(capnp::AnyStruct::Reader any, Walker walker, const Place& where) {
  for (capnp::AnyPointer::Reader pointer : any.getPointerSection()) {
    walk_untyped(pointer, walker, where);
  }
}
inline void walk_untyped(capnp::AnyList::Reader any, Walker walker, const Place& where) {
  if (any.getElementSize() == capnp::ElementSize::POINTER) {
    for (capnp::AnyPointer::Reader pointer : any.as<capnp::List<capnp::AnyPointer>>()) {
      walk_untyped(pointer, walker, where);
    }
  } else if (any.getElementSize() == capnp::ElementSize::INLINE_COMPOSITE) {
    for (capnp::AnyStruct::Reader element : any.as<capnp::List<capnp::AnyStruct>>()) {
      walk_untyped(element, walker, where);
    }
  }
}

template <typename Value>
void walk_value(const Value& value, Walker walker, const Place& where);

// One pointer. `get` returns its value; `present`: it is not null.
template <typename Get>
void walk(bool present, Get&& get, Walker walker, const Place& where) {
  using T = ReadAs<decltype(get())>;
  if constexpr (kIsFd<T>) {
    if (walker.visitor != nullptr) {
      require(walker.visitor->visit(present, get, FdTypeRule<T>::kRule, where));
    }
  } else if constexpr (!kHoldsDescriptors<T>) {
    // Null means default here, and defaults are sound.
    if (!walker.everything || !present) return;
    if constexpr (capnp::kind<T>() == capnp::Kind::BLOB) {
      static_cast<void>(get());
    } else {
      walk_value(get(), walker, where);
    }
  } else if constexpr (capnp::kind<T>() == capnp::Kind::OTHER) {
    if (present) walk_untyped(get(), walker, where);
  } else {
    // A null struct still lacks the descriptors that must be in it.
    walk_value(get(), walker, where);
  }
}

template <typename Value>
void walk_value(const Value& value, Walker walker, const Place& where) {
  using T = ReadAs<Value>;
  if constexpr (capnp::kind<T>() == capnp::Kind::STRUCT) {
    Codec<T>::walk(value, walker, where);
  } else {
    using Element = ReadAs<decltype(value[0])>;
    constexpr auto kind = capnp::kind<Element>();
    if constexpr (kind != capnp::Kind::PRIMITIVE && kind != capnp::Kind::ENUM) {
      for (unsigned i = 0; i < value.size(); ++i) {
        const Place element(where, i);
        if constexpr (kind == capnp::Kind::STRUCT) {
          Codec<Element>::walk(value[i], walker, element);
        } else {
          walk(
              !null_element(value, i), [&] { return value[i]; }, walker, element);
        }
      }
    }
  }
}

}  // namespace ferry::support
