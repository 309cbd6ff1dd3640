#include <cstring>
#include <string>
#include <utility>

#include <ferry/support/raw_message.h>

#include "runtime/support/descriptor_hook.h"

namespace ferry::support {
namespace {

constexpr std::size_t kWord = sizeof(capnp::word);

kj::ArrayPtr<const capnp::word> words_of(Bytes bytes) {
  return {reinterpret_cast<const capnp::word*>(bytes.data()), bytes.size() / kWord};
}

Status bad_table(std::string_view why) {
  return Status::invalid_argument("the message's segment table lies: " + std::string(why));
}

// Cap'n Proto needs this made once before it reads a null capability pointer; a constructor of a
// table does it. Without it, reading one throws.
void prepare_capabilities() { static const capnp::BuilderCapabilityTable kOnce; }

}  // namespace

struct RawReader::Table {
  std::vector<capnp::ClientHook*> hooks;
  capnp::ReaderCapabilityTable table;
};

RawReader::RawReader() noexcept = default;

RawReader::~RawReader() noexcept = default;

RawReader::RawReader(RawReader&& other) noexcept { *this = std::move(other); }

RawReader& RawReader::operator=(RawReader&& other) noexcept {
  if (this == &other) return *this;
  const bool opened = other.reader_.has_value();
  reader_.reset();
  other.reader_.reset();
  message_ = std::exchange(other.message_, {});
  one_segment_ = std::exchange(other.one_segment_, nullptr);
  many_segments_ = std::exchange(other.many_segments_, {});
  table_ = std::move(other.table_);
  if (opened) make_reader();
  return *this;
}

Status RawReader::open(WireMessage&& message) {
  prepare_capabilities();
  reader_.reset();
  table_.reset();
  many_segments_.clear();
  message_ = std::move(message);
  if (Status status = find_segments(); !status.ok()) return status;
  if (!message_.attachments.empty() || !message_.attachments.slots.empty()) {
    if (Status status = make_table(); !status.ok()) return status;
  }
  make_reader();
  return {};
}

capnp::AnyPointer::Reader RawReader::root() {
  if (!reader_) return {};
  auto root = reader_->getRoot<capnp::AnyPointer>();
  return table_ != nullptr ? table_->table.imbue(root) : root;
}

std::vector<capnp::ClientHook*> RawReader::hooks() {
  return table_ != nullptr ? table_->hooks : std::vector<capnp::ClientHook*>{};
}

// The format of several segments: u32 words[segment_count], padded to 8 bytes, then the segments.
Status RawReader::find_segments() {
  const Bytes body = message_.body;
  const std::size_t count = message_.segment_count;
  if (body.size() % kWord != 0 || reinterpret_cast<std::uintptr_t>(body.data()) % kWord != 0) {
    return bad_table("the message is not whole, aligned words");
  }
  if (count == 1) {
    one_segment_ = words_of(body);
    return {};
  }
  if (count == 0 || count > limits::kSegments) {
    return bad_table(std::to_string(count) + " segments, 1 to " +
                     std::to_string(limits::kSegments) + " are possible");
  }
  std::size_t offset = (count * sizeof(std::uint32_t) + kWord - 1) / kWord * kWord;
  if (offset > body.size()) return bad_table("it is longer than the message");
  many_segments_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t words = 0;
    std::memcpy(&words, body.data() + i * sizeof words, sizeof words);
    const std::size_t size = std::size_t{words} * kWord;
    if (size > body.size() - offset) return bad_table("a segment ends behind the message");
    many_segments_.push_back(words_of(body.subspan(offset, size)));
    offset += size;
  }
  return offset == body.size() ? Status() : bad_table("bytes are left over");
}

Status RawReader::make_table() {
  Attachments& from = message_.attachments;
  if (from.slots.size() != from.descriptors.size() || from.slots.size() > limits::kDescriptors) {
    return Status::invalid_argument("the message came with " +
                                    std::to_string(from.descriptors.size()) + " descriptors for " +
                                    std::to_string(from.slots.size()) + " attachments, at most " +
                                    std::to_string(limits::kDescriptors) + " are possible");
  }
  std::size_t next = 0;  // the lowest slot that may come
  for (const std::uint16_t slot : from.slots) {
    if (slot < next || slot >= limits::kAttachmentSlots) {
      return Status::invalid_argument("the message's attachment slot " + std::to_string(slot) +
                                      " is out of order or not below " +
                                      std::to_string(limits::kAttachmentSlots));
    }
    next = std::size_t{slot} + 1;
  }
  auto slots = kj::heapArray<kj::Maybe<kj::Own<capnp::ClientHook>>>(next);
  std::vector<capnp::ClientHook*> hooks;
  hooks.reserve(from.slots.size());
  for (std::size_t i = 0; i < from.slots.size(); ++i) {
    kj::Own<capnp::ClientHook> hook =
        kj::atomicRefcounted<DescriptorHook>(std::move(from.descriptors[i]));
    hooks.push_back(hook.get());
    slots[from.slots[i]] = kj::mv(hook);
  }
  from = {};
  table_ = std::unique_ptr<Table>(
      new Table{std::move(hooks), capnp::ReaderCapabilityTable(kj::mv(slots))});
  return {};
}

void RawReader::make_reader() noexcept {
  std::size_t words = one_segment_.size();
  kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments(&one_segment_, 1);
  if (!many_segments_.empty()) {
    words = message_.body.size() / kWord;
    segments = kj::arrayPtr(many_segments_.data(), many_segments_.size());
  }
  capnp::ReaderOptions options;
  options.traversalLimitInWords = limits::kTraversals * words + limits::kTraversalWords;
  options.nestingLimit = limits::kNesting;
  reader_.emplace(segments, options);
}

}  // namespace ferry::support
