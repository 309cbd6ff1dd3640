#include "tests/messages/walk_parcel.h"

#include <kj/exception.h>

namespace ferry::testing {

using support::DescriptorVisitor;
using support::FdAccess;
using support::FdKind;
using support::FdRule;
using support::Place;

namespace {

constexpr FdRule kReadOnlyFile{.kind = FdKind::kFile, .access = FdAccess::kReadOnly};
constexpr FdRule kMemory{.kind = FdKind::kMemfd};

Status walk_list(DescriptorVisitor& visitor, capnp::List<rpc::Fd>::Reader list, const Place& at) {
  const auto pointers = capnp::AnyList::Reader(list).as<capnp::List<capnp::AnyPointer>>();
  for (unsigned i = 0; i < list.size(); ++i) {
    const Place element(at, i);
    if (Status status = visitor.visit(
            !pointers[i].isNull(), [&] { return list[i]; }, support::kAnyFd, element);
        !status.ok()) {
      return status;
    }
  }
  return {};
}

Status walk_rows(DescriptorVisitor& visitor, Parcel::Reader parcel, const Place& at) {
  const Place rows(at, "rows");
  for (unsigned i = 0; i < parcel.getRows().size(); ++i) {
    const Place row(rows, i);
    if (Status status = walk_list(visitor, parcel.getRows()[i], row); !status.ok()) return status;
  }
  return {};
}

Status walk_entries(DescriptorVisitor& visitor, Parcel::Reader parcel, const Place& at) {
  const Place entries(at, "entries");
  for (unsigned i = 0; i < parcel.getEntries().size(); ++i) {
    const Entry::Reader entry = parcel.getEntries()[i];
    const Place element(entries, i);
    const Place file(element, "file");
    if (Status status = visitor.visit(
            entry.hasFile(), [&] { return entry.getFile(); }, kReadOnlyFile, file);
        !status.ok()) {
      return status;
    }
  }
  return {};
}

Status walk_fields(DescriptorVisitor& visitor, Parcel::Reader parcel, const Place& at,
                   const FdRule* file_rule) {
  const Place file(at, "file", file_rule);
  Status status = visitor.visit(
      parcel.hasFile(), [&] { return parcel.getFile(); }, support::kAnyFd, file);
  const Place files(at, "files");
  if (status.ok()) status = walk_list(visitor, parcel.getFiles(), files);
  if (status.ok()) status = walk_rows(visitor, parcel, at);
  if (status.ok()) status = walk_entries(visitor, parcel, at);
  if (status.ok() && parcel.hasBox()) {
    const Place box(at, "box");
    const Place value(box, "value");
    status = visitor.visit(
        parcel.getBox().hasValue(), [&] { return parcel.getBox().getValue(); }, kMemory, value);
  }
  const Place anything(at, "anything");
  if (status.ok()) status = visitor.visit_untyped(parcel.getAnything(), support::kAnyFd, anything);
  if (status.ok() && parcel.isLeft()) {
    const Place left(at, "left");
    const Place left_file(left, "file");
    status = visitor.visit(
        parcel.getLeft().hasFile(), [&] { return parcel.getLeft().getFile(); }, support::kAnyFd,
        left_file);
  }
  return status;
}

}  // namespace

Status walk_parcel(DescriptorVisitor& visitor, Parcel::Reader parcel, const FdRule* file_rule) {
  try {
    const Place at("send");
    return walk_fields(visitor, parcel, at, file_rule != nullptr ? file_rule : &kOptional);
  } catch (const kj::Exception& error) {
    return Status::invalid_argument(error.getDescription().cStr());
  }
}

Status collect(support::RawBuilder& builder, const FdRule* file_rule) {
  support::DescriptorCollector collector(builder);
  Status status = walk_parcel(collector, builder.root_reader().getAs<Parcel>(), file_rule);
  return status.ok() ? collector.finish() : status;
}

Status check(support::RawReader& reader, const FdRule* file_rule) {
  support::DescriptorChecker checker(reader);
  Status status;
  try {
    status = walk_parcel(checker, reader.root().getAs<Parcel>(), file_rule);
  } catch (const kj::Exception& error) {
    return Status::invalid_argument(error.getDescription().cStr());
  }
  return status.ok() ? checker.finish() : status;
}

}  // namespace ferry::testing
