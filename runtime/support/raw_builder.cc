#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include <ferry/support/raw_message.h>

namespace ferry::support {

// Cap'n Proto expects zeros.
kj::ArrayPtr<capnp::word> ScratchMessage::allocateSegment(unsigned minimum_words) {
  if (words_ == 0 && minimum_words <= kWords) {
    words_ = kWords;
    std::memset(static_cast<void*>(scratch_), 0, sizeof scratch_);
    return {scratch_, kWords};
  }
  const std::size_t words = std::max<std::size_t>({minimum_words, words_, kWords});
  std::unique_ptr<void, Free> memory(std::calloc(words, sizeof(capnp::word)));
  if (!memory) throw std::bad_alloc();
  words_ += words;
  heap_.push_back(std::move(memory));
  return {static_cast<capnp::word*>(heap_.back().get()), words};
}

RawBuilder::RawBuilder() = default;

RawBuilder::~RawBuilder() noexcept = default;

capnp::AnyPointer::Builder RawBuilder::root() {
  return table_.imbue(builder_.getRoot<capnp::AnyPointer>());
}

capnp::AnyPointer::Reader RawBuilder::root_reader() { return root().asReader(); }

std::span<const Bytes> RawBuilder::segments() {
  auto segments = builder_.getSegmentsForOutput();
  if (segments.size() == 0) {
    static_cast<void>(root());  // a message always has its root pointer, if only a null one
    segments = builder_.getSegmentsForOutput();
  }
  if (segments.size() == 1) {
    one_segment_ = std::as_bytes(std::span(segments[0].begin(), segments[0].size()));
    return {&one_segment_, 1};
  }
  many_segments_.clear();
  many_segments_.reserve(segments.size());
  for (const auto segment : segments) {
    many_segments_.push_back(std::as_bytes(std::span(segment.begin(), segment.size())));
  }
  return many_segments_;
}

std::vector<capnp::ClientHook*> RawBuilder::hooks() {
  std::vector<capnp::ClientHook*> hooks;
  auto slots = table_.getTable();
  hooks.reserve(slots.size());
  for (auto& slot : slots) {
    capnp::ClientHook* hook = nullptr;
    KJ_IF_MAYBE (own, slot) hook = (*own).get();
    hooks.push_back(hook);
  }
  return hooks;
}

}  // namespace ferry::support
