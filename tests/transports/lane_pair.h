// A connected pair of lanes, made the way a rendezvous makes them: offer, pass, accept, join.
#pragma once

#include <cstddef>
#include <fcntl.h>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/unique_fd.h>

#include "transports/transport.h"

namespace ferry::transports::testing {

struct LanePair {
  std::unique_ptr<Lane> server;
  std::unique_ptr<Lane> client;
};

inline SetUp set_up_for(Trust trust, std::size_t ring_bytes = limits::kRingBytes) {
  SetUp set_up;
  set_up.peer = {.pid = ::getpid(), .uid = ::geteuid(), .gid = ::getegid(), .trust = trust};
  set_up.ring_bytes = ring_bytes;
  return set_up;
}

// Duplicates, as SCM_RIGHTS would make them.
inline std::vector<UniqueFd> duplicates(const std::vector<int>& descriptors) {
  std::vector<UniqueFd> copies;
  for (const int fd : descriptors) copies.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  return copies;
}

struct Ends {
  UniqueFd server;
  UniqueFd client;
};

inline Ends control_sockets() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

inline LanePair make_pair(const Transport& transport, const SetUp& set_up) {
  LanePair pair;
  Ends control = control_sockets();
  auto offer = transport.offer(set_up);
  EXPECT_TRUE(offer.ok()) << offer.status();
  if (!offer) return pair;
  auto passed = duplicates((*offer)->descriptors());
  auto client = transport.join(set_up, (*offer)->parameter(), std::move(passed), control.client);
  EXPECT_TRUE(client.ok()) << client.status();
  auto server = (*offer)->accept(std::move(control.server));
  EXPECT_TRUE(server.ok()) << server.status();
  if (client) pair.client = std::move(*client);
  if (server) pair.server = std::move(*server);
  return pair;
}

// A server that kept the ends it passed clears O_NONBLOCK of the descriptions they share. The
// client writes `bytes` at a time until it is told to wait, and reads: neither may block.
inline void expect_no_call_blocks_without_the_flag(const Transport& transport, const SetUp& set_up,
                                                   std::size_t bytes) {
  auto offer = transport.offer(set_up);
  ASSERT_TRUE(offer.ok()) << offer.status();
  const auto kept = duplicates((*offer)->descriptors());
  Ends control = control_sockets();
  const auto lane = transport.join(set_up, 0, duplicates((*offer)->descriptors()), control.client);
  ASSERT_TRUE(lane.ok()) << lane.status();
  for (const UniqueFd& fd : kept) ASSERT_EQ(::fcntl(fd.get(), F_SETFL, 0), 0);
  std::vector<std::byte> buffer(bytes);
  const iovec part{buffer.data(), buffer.size()};
  Io outcome = Io::kDone;
  while (outcome == Io::kDone) outcome = (*lane)->write({&part, 1}, {}).outcome;
  EXPECT_EQ(outcome, Io::kWouldBlock);
  EXPECT_EQ((*lane)->read(buffer).outcome, Io::kWouldBlock);
}

}  // namespace ferry::transports::testing
