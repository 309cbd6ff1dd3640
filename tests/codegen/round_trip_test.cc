// Values through stub, message and service, and back: every type, in plain form.
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "all.capnp.ferry.h"
#include "tests/codegen/loopback.h"

namespace ferry::testing {
namespace {

namespace in = ::all::inner;

// Answers with what it is asked, through a lambda that copies View to Plain.
class Echo final : public Service<in::Diamond> {
 public:
  Result<PingReply> ping(ServerContext&, PingParams params) override {
    return PingReply{.text = std::string(params.text)};
  }
  Result<LeftReply> left(ServerContext&, LeftParams params) override {
    return LeftReply{.b = params.a + 1};
  }
  Result<ScalarsReply> scalars(ServerContext&, ScalarsParams p) override {
    ScalarsReply r;
    r.b = p.b, r.c = p.c, r.d = p.d, r.e = p.e, r.f = p.f, r.g = p.g, r.h = p.h, r.i = p.i;
    r.j = p.j, r.k = p.k, r.l = p.l, r.m = p.m, r.p = p.p, r.q = p.q;
    r.n = p.n;
    r.o.assign(p.o.begin(), p.o.end());
    return r;
  }
  Result<ListsReply> lists(ServerContext&, ListsParams p) override {
    ListsReply r;
    r.bools.assign(p.bools.begin(), p.bools.end());
    r.ints.assign(p.ints.begin(), p.ints.end());
    r.texts.assign(p.texts.begin(), p.texts.end());
    r.datas.clear();
    for (auto data : p.datas) r.datas.emplace_back(data.begin(), data.end());
    r.points.clear();
    for (auto point : p.points) r.points.push_back({.x = point.x, .y = point.y});
    for (auto inner : p.nested) r.nested.emplace_back(inner.begin(), inner.end());
    for (auto outer : p.deep) {
      r.deep.emplace_back();
      for (auto inner : outer) r.deep.back().emplace_back(inner.begin(), inner.end());
    }
    r.colors.assign(p.colors.begin(), p.colors.end());
    r.voids.resize(p.voids.size());
    r.point = {.x = p.point.x, .y = p.point.y};
    r.shape.name = p.shape.name;
    r.shape.which = p.shape.which;
    r.shape.circle = p.shape.circle;
    return r;
  }
  Result<NodeReply> node(ServerContext&, NodeParams p) override {
    NodeReply r;
    copy(p, r);
    return r;
  }
  Result<ShapeReply> shape(ServerContext&, ShapeParams p) override {
    seen_which = p.which;
    ShapeReply r;
    r.name = p.name, r.color = p.color, r.which = p.which, r.circle = p.circle;
    for (auto point : p.polygon) r.polygon.push_back({.x = point.x, .y = point.y});
    r.box.low.x = p.box.low.x, r.box.high.y = p.box.high.y;
    r.label = p.label;
    r.area.which = p.area.which, r.area.exact = p.area.exact;
    r.area.range.least = p.area.range.least, r.area.range.most = p.area.range.most;
    return r;
  }
  Result<Ping2Reply> ping2(ServerContext&, Ping2Params p) override {
    Ping2Reply r;
    for (const auto& pong : p.pongs) {
      r.pings.emplace_back().pongs.resize(pong.pings.size());
    }
    return r;
  }
  Result<BoxesReply> boxes(ServerContext&, BoxesParams p) override {
    BoxesReply r;
    r.b = {.value = std::string(p.b.value), .name = std::string(p.b.name)};
    r.p.which = p.p.which;
    r.p.first = {.x = p.p.first.x, .y = p.p.first.y};
    r.p.right.name = p.p.right.name;
    r.p.right.value.assign(p.p.right.value.begin(), p.p.right.value.end());
    r.inside.a = p.inside.a;
    for (const auto& one : p.list) r.list.push_back({.value = std::string(one.value)});
    if (p.rec != nullptr) {
      r.rec.emplace().value.b.value = p.rec->value.b.value;
      auto taken = p.rec->value.f.value.take();
      if (!taken) return taken.status();
      r.rec->value.f.value = std::move(*taken);
    }
    for (const auto& kid : p.tree.kids) r.tree.kids.emplace_back().value.label = kid.value.name;
    r.lt.value.assign(p.lt.value.begin(), p.lt.value.end());
    if (p.f.value.valid()) {
      auto taken = p.f.value.take();
      if (!taken) return taken.status();
      r.f.value = std::move(*taken);
    }
    return r;
  }

  shapes::Shape::Which seen_which = shapes::Shape::NONE;

 private:
  static void copy(const View<in::Node>& p, Plain<in::Node>& r) {
    r.value = p.value;
    if (p.next != nullptr) copy(*p.next, r.next.emplace());
    for (const auto& child : p.children) copy(child, r.children.emplace_back());
    r.which = p.which;
    if (p.left != nullptr) copy(*p.left, r.left.emplace());
    if (p.right != nullptr) copy(*p.right, r.right.emplace());
    if (p.inner.again != nullptr) copy(*p.inner.again, r.inner.again.emplace());
  }
};

class RoundTrip : public ::testing::Test {
 protected:
  Echo echo;
  Stub<in::Diamond> stub = loop<Stub<in::Diamond>>(echo);
};

TEST_F(RoundTrip, DefaultsOfScalarsAreTheSchemas) {
  auto r = stub.scalars();
  ASSERT_TRUE(r) << r.status();
  EXPECT_TRUE(r->b);
  EXPECT_EQ(r->c, -128);
  EXPECT_EQ(r->d, -5);
  EXPECT_EQ(r->e, std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(r->f, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(r->g, 255);
  EXPECT_EQ(r->h, 7);
  EXPECT_EQ(r->i, 4294967295u);
  EXPECT_EQ(r->j, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(r->k, -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(r->l));
  EXPECT_EQ(r->m, shapes::Color::RED);
  EXPECT_EQ(r->n, std::string("a\0b", 3));
  ASSERT_EQ(r->o.size(), 3u);
  EXPECT_EQ(r->o[1], std::byte{0xff});
  EXPECT_EQ(r->p, 3.0f);
  EXPECT_EQ(r->q, 1e300);
}

TEST_F(RoundTrip, ScalarsArriveAsSent) {
  const std::byte data[] = {std::byte{1}, std::byte{2}};
  auto r = stub.scalars({.b = false,
                         .c = 1,
                         .d = 2,
                         .e = 3,
                         .f = 4,
                         .g = 5,
                         .h = 6,
                         .i = 7,
                         .j = 8,
                         .k = 9.5f,
                         .l = -0.25,
                         .m = shapes::Color::NULL_,
                         .n = "text",
                         .o = data,
                         .p = 0,
                         .q = 11});
  ASSERT_TRUE(r) << r.status();
  EXPECT_FALSE(r->b);
  EXPECT_EQ(r->j, 8u);
  EXPECT_EQ(r->k, 9.5f);
  EXPECT_EQ(r->l, -0.25);
  EXPECT_EQ(r->m, shapes::Color::NULL_);
  EXPECT_EQ(r->n, "text");
  EXPECT_EQ(r->o, std::vector<std::byte>(data, data + 2));
  EXPECT_EQ(r->p, 0.0f);
}

TEST_F(RoundTrip, EmptyTextIsNotTheDefault) {
  auto r = stub.scalars({.n = "", .o = {}});
  ASSERT_TRUE(r) << r.status();
  EXPECT_EQ(r->n, "");
  EXPECT_TRUE(r->o.empty());
  auto p = stub.ping({.text = ""});
  ASSERT_TRUE(p) << p.status();
  EXPECT_EQ(p->text, "");
  EXPECT_EQ(stub.ping()->text, "pong");
}

TEST_F(RoundTrip, DefaultsOfListsAndStructsAreTheSchemas) {
  auto r = stub.lists();
  ASSERT_TRUE(r) << r.status();
  EXPECT_EQ(r->bools, (std::vector<bool>{true, false}));
  EXPECT_EQ(r->ints, (std::vector<std::int32_t>{1, -2, 3}));
  EXPECT_EQ(r->texts, (std::vector<std::string>{"x", "yy"}));
  ASSERT_EQ(r->points.size(), 1u);
  EXPECT_EQ(r->points[0].y, 2);
  EXPECT_EQ(r->point.x, 7);
  EXPECT_EQ(r->shape.name, "d");
  EXPECT_EQ(r->shape.which, shapes::Shape::CIRCLE);
  EXPECT_EQ(r->shape.circle, 2);
  EXPECT_TRUE(r->nested.empty());
}

TEST_F(RoundTrip, ListsOfListsArriveAsSent) {
  const bool bools[] = {true, true, false};
  const std::string_view texts[] = {"one", "", "three"};
  const std::span<const std::string_view> nested[] = {texts, {}, texts};
  const std::int16_t numbers[] = {1, -1};
  const std::span<const std::int16_t> rows[] = {numbers, numbers};
  const std::span<const std::span<const std::int16_t>> deep[] = {rows, {}};
  const shapes::Color colors[] = {shapes::Color::GREEN, shapes::Color::NULL_};
  const std::monostate voids[3] = {};
  auto r = stub.lists({.bools = bools,
                       .ints = {},
                       .texts = texts,
                       .nested = nested,
                       .deep = deep,
                       .colors = colors,
                       .voids = voids});
  ASSERT_TRUE(r) << r.status();
  EXPECT_EQ(r->bools, (std::vector<bool>{true, true, false}));
  EXPECT_TRUE(r->ints.empty());
  EXPECT_EQ(r->texts, (std::vector<std::string>{"one", "", "three"}));
  ASSERT_EQ(r->nested.size(), 3u);
  EXPECT_TRUE(r->nested[1].empty());
  EXPECT_EQ(r->nested[2][2], "three");
  EXPECT_EQ(r->deep[0][1], (std::vector<std::int16_t>{1, -1}));
  EXPECT_EQ(r->colors[1], shapes::Color::NULL_);
  EXPECT_EQ(r->voids.size(), 3u);
}

TEST_F(RoundTrip, OnlyTheActiveArmOfAUnionTravels) {
  auto r = stub.shape({.which = shapes::Shape::LABEL, .circle = 99, .label = "l"});
  ASSERT_TRUE(r) << r.status();
  EXPECT_EQ(r->which, shapes::Shape::LABEL);
  EXPECT_EQ(r->label, "l");
  EXPECT_EQ(r->circle, 1.5);                        // the default: 99 was not sent
  r = stub.shape({.which = shapes::Shape::LABEL});  // an empty arm is still the active one
  ASSERT_TRUE(r) << r.status();
  EXPECT_EQ(r->which, shapes::Shape::LABEL);
  r = stub.shape({.which = shapes::Shape::BOX, .box = {.low = {.x = 3}, .high = {.y = 4}}});
  ASSERT_TRUE(r) << r.status();
  EXPECT_EQ(r->box.low.x, 3);
  EXPECT_EQ(r->box.high.y, 4);
}

TEST_F(RoundTrip, NamedUnionsAndGroupsInsideThemArriveAsSent) {
  auto r = stub.shape({.area = {.which = shapes::Shape::Area::RANGE, .range = {.least = 2}}});
  ASSERT_TRUE(r) << r.status();
  EXPECT_EQ(r->area.which, shapes::Shape::Area::RANGE);
  EXPECT_EQ(r->area.range.least, 2);
  EXPECT_EQ(r->area.range.most, std::numeric_limits<float>::infinity());
  EXPECT_EQ(r->which, shapes::Shape::NONE);
  EXPECT_EQ(r->color, shapes::Color::GREEN);
}

TEST_F(RoundTrip, ATagWithoutAMemberIsRefusedBeforeItIsSent) {
  auto r = stub.shape({.which = static_cast<shapes::Shape::Which>(77)});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.status(), Status::invalid_argument("shape.which: 77 is no member of this union"));
}

TEST_F(RoundTrip, StructsThatContainThemselvesArriveToTheirEnd) {
  View<in::Node> last{.value = 3};
  View<in::Node> middle{.value = 2, .next = &last};
  const View<in::Node> children[] = {{.value = 10}, {.value = 11, .next = &last}};
  auto r = stub.node({.value = 1,
                      .next = &middle,
                      .children = children,
                      .which = in::Node::RIGHT,
                      .right = &last,
                      .inner = {.again = &middle}});
  ASSERT_TRUE(r) << r.status();
  EXPECT_EQ(r->next->next->value, 3);
  EXPECT_FALSE(r->next->next->next);
  EXPECT_EQ(r->children[1].next->value, 3);
  EXPECT_EQ(r->which, in::Node::RIGHT);
  EXPECT_EQ(r->right->value, 3);
  EXPECT_FALSE(r->left);
  EXPECT_EQ(r->inner.again->next->value, 3);
  r = stub.node({.which = in::Node::RIGHT});
  ASSERT_TRUE(r) << r.status();
  EXPECT_EQ(r->which, in::Node::RIGHT);
  EXPECT_FALSE(r->right);
}

TEST_F(RoundTrip, StructsThatListEachOtherArrive) {
  const View<in::Ping> pings[2] = {};
  const View<in::Pong> pongs[] = {{.pings = pings}};
  auto r = stub.ping2({.pongs = pongs});
  ASSERT_TRUE(r) << r.status();
  ASSERT_EQ(r->pings.size(), 1u);
  EXPECT_EQ(r->pings[0].pongs.size(), 2u);
}

TEST_F(RoundTrip, GenericStructsArriveAsSent) {
  const NoLeak no_leak;
  const UniqueFd file = read_only_file();
  const std::byte data[] = {std::byte{7}};
  const View<in::Box<capnp::Text>> list[] = {{.value = "e0"}, {.value = "e1"}};
  const View<in::Tree<shapes::Shape>> kids[] = {{.value = {.name = "kid"}}};
  const std::int32_t numbers[] = {4, 5};
  const View<in::Box<in::UsesBox>> rec{.value = {.b = {.value = "deep"}, .f = {.value = file}}};
  auto r = stub.boxes({.b = {.value = "v", .name = "n"},
                       .p = {.first = {.x = 1},
                             .which = in::Pair<shapes::Point, in::Box<capnp::Data>>::RIGHT,
                             .right = {.value = data, .name = "data"}},
                       .f = {.value = file},
                       .list = list,
                       .rec = &rec,
                       .inside = {.a = "inside"},
                       .tree = {.kids = kids},
                       .lt = {.value = numbers}});
  ASSERT_TRUE(r) << r.status();
  EXPECT_EQ(r->b.value, "v");
  EXPECT_EQ(r->b.name, "n");
  EXPECT_EQ(r->p.first.x, 1);
  EXPECT_EQ(r->p.right.value[0], std::byte{7});
  EXPECT_EQ(r->p.right.name, "data");
  EXPECT_EQ(r->list[1].value, "e1");
  EXPECT_EQ(r->rec->value.b.value, "deep");
  EXPECT_EQ(r->inside.a, "inside");
  EXPECT_EQ(r->tree.kids[0].value.label, "");  // label was no active arm
  EXPECT_TRUE(same_file(r->rec->value.f.value.get(), file.get()));
  EXPECT_EQ(r->lt.value, (std::vector<std::int32_t>{4, 5}));
  EXPECT_TRUE(same_file(r->f.value.get(), file.get()));
}

}  // namespace
}  // namespace ferry::testing
