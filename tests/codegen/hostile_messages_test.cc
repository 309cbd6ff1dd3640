// Messages that no builder would write, given to generated code.
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "all.capnp.ferry.h"
#include "tests/codegen/loopback.h"

namespace ferry::testing {
namespace {

namespace in = ::all::inner;

TEST(HostileMessages, AListThatClaimsTooManyElementsIsRefused) {
  // A struct without content takes no bytes in a list, so a message of 3 words can claim millions.
  class Lists final : public Service<in::Diamond> {
  } service;
  support::RawReader request;
  std::vector<std::uint64_t> words(1);
  words[0] = (std::uint64_t{11} << 48) | (std::uint64_t{0} << 32);  // no data, 11 pointers
  words.resize(1 + 11, 0);
  // Pointer 4 (points): a composite list right behind the pointers, of no words.
  words[1 + 4] = 1 | (std::uint64_t{6} << 2) | (std::uint64_t{7} << 32);
  words.push_back(std::uint64_t{(1u << 29) - 1} << 2);  // tag: 2^29 - 1 structs of size 0
  ASSERT_TRUE(request.open(wire(words)).ok());
  support::RawBuilder reply;
  LoopbackContext context("all.inner.Diamond.lists");
  const std::uint64_t id = support::Interface<in::Diamond>::kInfo.type_id;
  Status status = service.ferry_dispatch(id, 4, context, request, reply);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
}

// Looks at everything it is given, so that a decoder's mistake is seen by the sanitizers.
class Curious final : public Service<in::Diamond> {
 public:
  Result<ListsReply> lists(ServerContext&, ListsParams p) override {
    for (std::string_view text : p.texts) sum += text.size();
    for (auto row : p.nested) {
      for (std::string_view text : row) sum += text.size() + (text.empty() ? 0 : text.back());
    }
    for (auto number : p.ints) sum += static_cast<unsigned>(number);
    return ListsReply{};
  }
  Result<NodeReply> node(ServerContext&, NodeParams p) override {
    for (const auto* at = p.next; at != nullptr; at = at->next) ++sum;
    return NodeReply{};
  }
  Result<ShapeReply> shape(ServerContext&, ShapeParams p) override {
    sum += p.label.size() + p.polygon.size();
    return ShapeReply{};
  }
  std::size_t sum = 0;
};

template <typename P>
std::vector<std::uint64_t> words_of(const View<P>& params) {
  support::RawBuilder message;
  support::Codec<P>::encode(params, message.root().initAs<P>(), support::Place("seed"));
  const auto segments = message.segments();
  std::vector<std::uint64_t> words(segments[0].size() / 8);
  std::memcpy(words.data(), segments[0].data(), segments[0].size());
  return words;
}

// Dispatches `words` to method `ordinal` of Diamond after some of its bits were turned.
void dispatch_damaged(std::vector<std::uint64_t> words, std::uint16_t ordinal,
                      std::mt19937_64& random, Curious& service) {
  for (int turns = 1 + static_cast<int>(random() % 3); turns > 0; --turns) {
    words[random() % words.size()] ^= std::uint64_t{1} << (random() % 64);
  }
  support::RawReader request;
  if (!request.open(wire(words)).ok()) return;
  support::RawBuilder reply;
  LoopbackContext context("damaged");
  const Status status = service.ferry_dispatch(support::Interface<in::Diamond>::kInfo.type_id,
                                               ordinal, context, request, reply);
  // Damage may go unseen; when it is seen the message is to blame, not the server.
  EXPECT_TRUE(status.ok() || status.code() == StatusCode::kInvalidArgument ||
              status.code() == StatusCode::kResourceExhausted)
      << status;
}

TEST(HostileMessages, DamagedOnesAreReadOrRefusedButNeverHarm) {
  const std::string_view texts[] = {"one", "two", ""};
  const std::span<const std::string_view> nested[] = {texts, texts};
  const View<in::Node> last{.value = 3};
  const View<in::Node> children[] = {{.value = 10, .next = &last}, {.value = 11}};
  const shapes::Shape::Which label = shapes::Shape::LABEL;
  const auto lists = words_of<in::Lists>({.texts = texts, .nested = nested});
  const auto node = words_of<in::Node>({.next = &last, .children = children});
  const auto shape = words_of<shapes::Shape>({.which = label, .label = "a label"});
  std::mt19937_64 random(20261124);
  Curious service;
  for (int round = 0; round < 5000; ++round) {
    dispatch_damaged(lists, 4, random, service);
    dispatch_damaged(node, 5, random, service);
    dispatch_damaged(shape, 8, random, service);
  }
  EXPECT_GT(service.sum, 0u);
}

TEST(HostileMessages, ListsThatWouldTakeTooMuchMemoryAreRefused) {
  support::Arena arena;
  support::Decoder decoder(arena);
  const Status status = support::guarded(support::Place("open"), [&] {
    static_cast<void>(decoder.make<std::uint64_t>(limits::kDecodedBytes / 8 + 1));
  });
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
}

// A List(Int32) may become a list of structs in a newer schema: its numbers then stand apart.
TEST(Evolution, NumbersOfAListThatBecameOneOfStructsAreFound) {
  capnp::MallocMessageBuilder message;
  auto newer = message.initRoot<capnp::AnyPointer>().initAsListOfAnyStruct(1, 1, 3);
  for (unsigned i = 0; i < 3; ++i) newer[i].getDataSection()[0] = static_cast<capnp::byte>(i + 5);
  const auto older =
      message.getRoot<capnp::AnyPointer>().asReader().getAs<capnp::List<std::int32_t>>();
  support::Decoder decoder;
  std::vector<std::int32_t> numbers;
  support::decode(older, numbers, decoder);
  EXPECT_EQ(numbers, (std::vector<std::int32_t>{5, 6, 7}));
}

}  // namespace
}  // namespace ferry::testing
