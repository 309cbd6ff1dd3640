// A ServerHandshake on one end of a socketpair, and a client written by hand on the other.
#pragma once

#include <optional>
#include <string>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/limits.h>

#include "tests/rendezvous/fake_transport.h"
#include "transports/rendezvous/record_io.h"
#include "transports/rendezvous/records.h"
#include "transports/rendezvous/server_handshake.h"

namespace ferry::transports::testing {

class ServerHandshakeTest : public ::testing::Test {
 protected:
  ServerHandshakeTest() {
    a_.descriptors = 2;
    policy_.offered = {&a_, &b_};
    policy_.restriction = "it listens with --allow=a,b";
    policy_.trust = Trust::kSameUser;
    connect();
  }

  // A fresh connection.
  void connect() {
    server_.reset();
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    client_.reset(ends[0]);
    server_.emplace(UniqueFd(ends[1]), policy_, "hi from the server");
  }

  static Hello hello(std::vector<std::string> wanted = {"a", "b"}) {
    Hello value;
    value.transports = std::move(wanted);
    value.trust = Trust::kFull;
    value.greeting = "hi from the client";
    return value;
  }

  void send(const std::string& bytes) {
    ASSERT_EQ(::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  ServerHandshake::Step step(const std::string& bytes) {
    send(bytes);
    return server_->on_ready();
  }

  // The next record the server sent, as far as it came.
  Progress receive() {
    reader_ = RecordReader(limits::kOfferDescriptors);
    return reader_.advance(client_.get());
  }
  OfferRecord offer() {
    EXPECT_EQ(receive(), Progress::kWhole);
    EXPECT_EQ(reader_.header().kind, RecordKind::kOffer);
    auto record = decode_offer(reader_.body());
    EXPECT_TRUE(record) << record.status();
    return record ? *record : OfferRecord();
  }
  Refusal refusal() {
    EXPECT_EQ(receive(), Progress::kWhole);
    EXPECT_EQ(reader_.header().kind, RecordKind::kRefuse);
    auto record = decode_refuse(reader_.body());
    EXPECT_TRUE(record) << record.status();
    return record ? *record : Refusal();
  }

  FakeTransport a_{"a"};
  FakeTransport b_{"b"};
  ServerPolicy policy_;
  UniqueFd client_;
  std::optional<ServerHandshake> server_;
  RecordReader reader_{limits::kOfferDescriptors};
};

}  // namespace ferry::transports::testing
