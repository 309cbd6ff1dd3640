#include <string>

#include <capnp/list.h>

#include <ferry/limits.h>
#include <ferry/support/descriptors.h>

namespace ferry::support {
namespace {

bool may_be_null(const FdRule& rule, const Place& where) {
  if (rule.optional) return true;
  for (const Place* place = &where; place != nullptr; place = place->parent()) {
    if (place->rule() != nullptr && place->rule()->optional) return true;
  }
  return false;
}

// Walks what stands below one pointer of unknown type.
class UntypedWalk {
 public:
  UntypedWalk(DescriptorVisitor& visitor, const FdRule& rule, const Place& where)
      : visitor_(visitor), rule_(rule), where_(where) {}

  Status pointer(capnp::AnyPointer::Reader pointer, int depth) {
    if (depth > limits::kNesting) {
      return Status::invalid_argument(where_.to_string() + ": is nested deeper than " +
                                      std::to_string(limits::kNesting) + " pointers");
    }
    switch (pointer.getPointerType()) {
      case capnp::PointerType::NULL_:
        return {};
      case capnp::PointerType::CAPABILITY:
        return visitor_.visit(
            true, [&] { return pointer.getAs<capnp::Capability>(); }, rule_, where_);
      case capnp::PointerType::STRUCT:
        return fields(pointer.getAs<capnp::AnyStruct>(), depth);
      case capnp::PointerType::LIST:
        return elements(pointer.getAs<capnp::AnyList>(), depth);
    }
    return {};
  }

 private:
  Status fields(capnp::AnyStruct::Reader object, int depth) {
    for (const auto child : object.getPointerSection()) {
      if (Status status = pointer(child, depth + 1); !status.ok()) return status;
    }
    return {};
  }

  Status elements(capnp::AnyList::Reader list, int depth) {
    if (list.getElementSize() == capnp::ElementSize::POINTER) {
      for (const auto child : list.as<capnp::List<capnp::AnyPointer>>()) {
        if (Status status = pointer(child, depth + 1); !status.ok()) return status;
      }
    }
    if (list.getElementSize() == capnp::ElementSize::INLINE_COMPOSITE) {
      const auto objects = list.as<capnp::List<capnp::AnyStruct>>();
      // All elements have one layout (encoding spec, "Lists"): without pointers in one there are
      // none, and a list of nothing may claim to be half a billion long.
      if (objects.size() == 0 || objects[0].getPointerSection().size() == 0) return {};
      for (const auto object : objects) {
        if (Status status = fields(object, depth); !status.ok()) return status;
      }
    }
    return {};
  }

  DescriptorVisitor& visitor_;
  const FdRule& rule_;
  const Place& where_;
};

}  // namespace

Status DescriptorVisitor::visit_untyped(capnp::AnyPointer::Reader pointer, const FdRule& rule,
                                        const Place& where) {
  try {
    return UntypedWalk(*this, rule, where).pointer(pointer, 0);
  } catch (const kj::Exception& error) {
    return unreadable(error, where);
  }
}

Status DescriptorVisitor::on_null(const FdRule& rule, const Place& where) {
  if (may_be_null(rule, where)) return {};
  return Status::invalid_argument(where.to_string() + ": a descriptor is required, there is none");
}

Status DescriptorVisitor::unreadable(const kj::Exception& error, const Place& where) {
  return Status::invalid_argument(where.to_string() +
                                  ": cannot be read: " + error.getDescription().cStr());
}

}  // namespace ferry::support
