// Interfaces: inheritance, generics, message form, odd names, and peers of another version.
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "all.capnp.ferry.h"
#include "new.capnp.ferry.h"
#include "old.capnp.ferry.h"
#include "tests/codegen/loopback.h"

namespace ferry::testing {
namespace {

namespace in = ::all::inner;

class Everything final : public Service<in::Diamond> {
 public:
  Result<PingReply> ping(ServerContext& context, PingParams params) override {
    return PingReply{.text = std::string(context.method()) + " " + std::string(params.text)};
  }
  Result<LeftReply> left(ServerContext&, LeftParams params) override {
    return LeftReply{.b = params.a * 2};
  }
  Status raw(ServerContext&, MessageReader<in::Raw> params,
             MessageBuilder<in::Raw>& reply) override {
    return reply.copy(*params);
  }
  Result<EmptyReply> empty(ServerContext&, EmptyParams) override {
    throw std::runtime_error("out of cheese");
  }
  Result<NoneReply> none(ServerContext&, NoneParams) override { throw 7; }
};

class Interfaces : public ::testing::Test {
 protected:
  Everything service;
  std::shared_ptr<Loopback> caller = std::make_shared<Loopback>(service);
};

TEST_F(Interfaces, AStubHasTheMethodsOfAllItExtendsOnce) {
  Stub<in::Diamond> stub(caller, "main");
  EXPECT_EQ(stub.ping({.text = "x"})->text, "all.inner.Base.ping x");
  EXPECT_EQ(stub.left({.a = 4})->b, 8);
  EXPECT_EQ(caller->last_target()->name, "all.inner.Diamond");
  EXPECT_EQ(caller->last_instance(), "main");
  Stub<in::Base>& base = stub;  // one Base in the diamond, talking to the same service
  EXPECT_EQ(base.ping()->text, "all.inner.Base.ping pong");
}

TEST_F(Interfaces, AServiceNamesItselfFirstAndEachAncestorOnce) {
  std::vector<std::string> names;
  for (const support::InterfaceInfo* one : service.ferry_interfaces())
    names.emplace_back(one->name);
  EXPECT_EQ(names, (std::vector<std::string>{"all.inner.Diamond", "all.inner.Left",
                                             "all.inner.Base", "all.inner.Right"}));
}

TEST_F(Interfaces, AStubOfABaseReachesADerivedService) {
  EXPECT_EQ(Stub<in::Base>(caller).ping({.text = "b"})->text, "all.inner.Base.ping b");
}

TEST_F(Interfaces, WhatIsNotOverriddenIsUnimplemented) {
  Stub<in::Diamond> stub(caller);
  EXPECT_EQ(stub.right().status().code(), StatusCode::kUnimplemented);
  EXPECT_EQ(Stub<in::Odd>(caller).delete_().status().code(), StatusCode::kUnimplemented);
}

TEST_F(Interfaces, WhatAHandlerThrowsEndsItsCallOnly) {
  Stub<in::Diamond> stub(caller);
  EXPECT_EQ(stub.empty().status(),
            Status::internal("all.inner.Diamond.empty: the handler threw: out of cheese"));
  EXPECT_EQ(stub.none().status().code(), StatusCode::kInternal);
}

TEST_F(Interfaces, AnyPointerTravelsInMessageFormWithItsDescriptors) {
  const NoLeak no_leak;
  const UniqueFd file = read_only_file();
  Stub<in::Diamond> stub(caller);
  MessageBuilder<in::Raw> request;
  auto inner = request->getAny().initAs<in::Box<rpc::Fd>>();
  inner.setValue(attach(duplicate(file)));
  inner.setName("inside");
  auto reply = stub.raw(request);
  ASSERT_TRUE(reply) << reply.status();
  auto got = (*reply)->getAny().getAs<in::Box<rpc::Fd>>();
  EXPECT_EQ(got.getName(), "inside");
  auto fd = take(got.getValue());
  ASSERT_TRUE(fd) << fd.status();
  EXPECT_TRUE(same_file(fd->get(), file.get()));
}

TEST_F(Interfaces, AReplyInMessageFormIsReadWhereItArrived) {
  Stub<in::Diamond> stub(caller);
  MessageBuilder<in::Base::PingParams> request;
  request->setText("m");
  auto reply = stub.ping(request);
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ((*reply)->getText(), "all.inner.Base.ping m");
}

class Shelf final : public Service<in::TextStore> {
 public:
  Result<Service<in::Store<capnp::Text, shapes::Point>>::GetReply> get(
      ServerContext&, Service<in::Store<capnp::Text, shapes::Point>>::GetParams params) override {
    Service<in::Store<capnp::Text, shapes::Point>>::GetReply reply;
    reply.value.x = static_cast<double>(params.key.size());
    return reply;
  }
  Result<CountReply> count(ServerContext&, CountParams) override { return CountReply{.n = 5}; }
};

TEST(Generics, AnInterfaceThatBindsAGenericOneHasItsPlainForm) {
  Shelf shelf;
  auto stub = loop<Stub<in::TextStore>>(shelf);
  EXPECT_EQ(stub.get({.key = "four"})->value.x, 4);
  EXPECT_EQ(stub.count()->n, 5u);
  EXPECT_EQ((loop<Stub<in::Store<capnp::Text, shapes::Point>>>(shelf).get({.key = "a"})->value.x),
            1);
}

class RawStore final : public Service<in::Store<>> {
 public:
  Status get(ServerContext&, MessageReader<in::Store<>::GetParams> params,
             MessageBuilder<in::Store<>::GetResults>& reply) override {
    reply->getValue().set(params->getKey());
    return {};
  }
};

TEST(Generics, AnUnboundGenericInterfaceHasItsMessageForm) {
  RawStore service;
  auto stub = loop<Stub<in::Store<>>>(service);
  MessageBuilder<in::Store<>::GetParams> request;
  request->getKey().setAs<capnp::Text>("key");
  auto reply = stub.get(request);
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ((*reply)->getValue().getAs<capnp::Text>(), "key");
}

class OddService final : public Service<in::Odd> {
 public:
  Result<ClassReply> class_(ServerContext&, ClassParams params) override {
    return ClassReply{.this_ = std::string(params.delete_) + std::string(params.where),
                      .nullptr_ = static_cast<std::int8_t>(params.errno_)};
  }
};

TEST(Names, KeywordsAndMacrosGetAnUnderscore) {
  OddService service;
  auto reply = loop<Stub<in::Odd>>(service).class_({.delete_ = "d", .errno_ = 3, .where = "w"});
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ(reply->this_, "dw");
  EXPECT_EQ(reply->nullptr_, 3);
}

class InterfaceCalledService final : public Service<in::Service> {
 public:
  Result<ServiceReply> service(ServerContext&, ServiceParams params) override {
    return ServiceReply{.service = std::string(params.stub)};
  }
};

TEST(Names, AnInterfaceMayBeCalledServiceOrStub) {
  InterfaceCalledService service;
  EXPECT_EQ(loop<Stub<in::Service>>(service).service({.stub = "s"})->service, "s");
  EXPECT_EQ(loop<Stub<in::Stub>>(service).stub().status().code(), StatusCode::kUnimplemented);
}

TEST(Names, CxxNameIsObeyed) {
  Service<in::Zoo> service;
  EXPECT_EQ(loop<Stub<in::Zoo>>(service).fooFoo({.baz = "b"}).status().code(),
            StatusCode::kUnimplemented);
}

class OldShop final : public Service<before::Shop> {
 public:
  Result<BuyReply> buy(ServerContext&, BuyParams params) override {
    which = params.which;
    return BuyReply{.total = params.count + static_cast<std::uint32_t>(params.name.size())};
  }
  before::Order::Which which = before::Order::CARD;
};

class NewShop final : public Service<after::Shop> {
 public:
  Result<PurchaseReply> purchase(ServerContext&, PurchaseParams params) override {
    note = params.note;
    tags = params.tags.size();
    receipt = params.receipt.has_value();
    return PurchaseReply{.total = params.count, .currency = "CHF"};
  }
  std::string note;
  std::size_t tags = 0;
  bool receipt = true;
};

TEST(Evolution, AnOldServiceTakesANewRequestAndDropsWhatItDoesNotKnow) {
  const NoLeak no_leak;
  OldShop shop;
  auto stub = loop<Stub<after::Shop>>(shop);
  const UniqueFd receipt = read_only_file();
  auto reply = stub.purchase({.title = "abc", .count = 2, .note = "n", .receipt = receipt});
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ(reply->total, 5u);
  EXPECT_EQ(reply->currency, "EUR");  // the default: the old reply lacks it
}

TEST(Evolution, ATagOfANewerPeerIsKeptAsItsNumber) {
  OldShop shop;
  auto reply = loop<Stub<after::Shop>>(shop).purchase({.which = after::Order::VOUCHER});
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ(static_cast<int>(shop.which), 2);
}

TEST(Evolution, ANewServiceSeesDefaultsInAnOldRequest) {
  NewShop shop;
  auto reply = loop<Stub<before::Shop>>(shop).buy({.name = "x", .count = 9});
  ASSERT_TRUE(reply) << reply.status();
  EXPECT_EQ(reply->total, 9u);
  EXPECT_EQ(shop.note, "none");
  EXPECT_EQ(shop.tags, 1u);
  EXPECT_FALSE(shop.receipt);
}

TEST(Evolution, AMethodThatTheServiceLacksIsUnimplemented) {
  OldShop shop;
  auto stub = loop<Stub<after::Shop>>(shop);
  EXPECT_EQ(stub.added().status().code(), StatusCode::kUnimplemented);
  EXPECT_NE(stub.added().status().message().find("before.Shop"), std::string::npos);
}

}  // namespace
}  // namespace ferry::testing
