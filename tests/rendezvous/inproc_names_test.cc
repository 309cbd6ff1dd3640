// inproc: servers and clients of one process meet by name.
#include "transports/rendezvous/inproc_names.h"

#include <atomic>
#include <optional>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace ferry::transports {
namespace {

ConnectOptions greeting(std::string text) {
  ConnectOptions options;
  options.greeting = std::move(text);
  return options;
}

TEST(InprocNames, BothSidesGetTheirEndAndTheOthersGreeting) {
  std::optional<Connected> served;
  auto listener = InprocListener::open("calculator", [&](Connected client) -> Result<std::string> {
    served = std::move(client);
    return std::string("hi from the server");
  });
  ASSERT_TRUE(listener) << listener.status();
  auto target = parse_target("inproc:calculator");
  ASSERT_TRUE(target);
  auto client = connect(*target, greeting("hi from the client"));
  ASSERT_TRUE(client) << client.status();
  EXPECT_EQ(client->greeting, "hi from the server");
  EXPECT_EQ(client->peer.pid, ::getpid());
  EXPECT_EQ(client->peer.trust, Trust::kFull);
  ASSERT_TRUE(served);
  EXPECT_EQ(served->greeting, "hi from the client");
  char text[] = "to the server";
  const iovec part{text, sizeof(text)};
  EXPECT_EQ(client->lane->write({&part, 1}, {}).bytes, sizeof(text));
  std::byte into[64];
  EXPECT_EQ(served->lane->read(into).bytes, sizeof(text));
  EXPECT_EQ(client->explain, "inproc carries the calls: it is the transport asked for\n");
}

TEST(InprocNames, NameIsFreeAgainWhenItsListenerIsGone) {
  const auto accept = [](Connected) -> Result<std::string> { return std::string(); };
  auto first = InprocListener::open("once", accept);
  ASSERT_TRUE(first);
  EXPECT_EQ(InprocListener::open("once", accept).status().code(), StatusCode::kAlreadyExists);
  {
    const InprocListener gone = std::move(*first);
    EXPECT_TRUE(connect_inproc("once", {}));
  }
  EXPECT_EQ(connect_inproc("once", {}).status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(InprocListener::open("once", accept));
}

TEST(InprocNames, RefusalOfTheServerReachesTheClient) {
  auto listener = InprocListener::open("busy", [](Connected) -> Result<std::string> {
    return Status::resource_exhausted("4096 connections are open");
  });
  EXPECT_EQ(connect_inproc("busy", {}).status(),
            Status::resource_exhausted("connect to \"inproc:busy\": the server refused: 4096 "
                                       "connections are open"));
}

TEST(InprocNames, NoCallOfTheAcceptorComesAfterItsListenerIsGone) {
  for (int round = 0; round < 50; ++round) {
    auto alive = std::make_unique<std::atomic<bool>>(true);
    auto listener = InprocListener::open("race", [&alive](Connected) -> Result<std::string> {
      EXPECT_TRUE(alive->load());
      return std::string();
    });
    ASSERT_TRUE(listener);
    std::vector<std::thread> clients;
    for (int i = 0; i < 3; ++i) {
      clients.emplace_back([] {
        while (connect_inproc("race", {})) {
        }
      });
    }
    { const InprocListener gone = std::move(*listener); }
    alive->store(false);
    for (std::thread& client : clients) client.join();
  }
}

}  // namespace
}  // namespace ferry::transports
