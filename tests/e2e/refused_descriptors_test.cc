// The kernel refuses to pass descriptors while this user has too many in flight (ETOOMANYREFS,
// unix(7)): a server's reply with descriptors waits for that to end, or its connection ends in
// words.
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <future>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "descriptors.capnp.ferry.h"
#include "tests/support/processes.h"
#include "tests/support/recorded_log.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using testing::Directory;
using testing::eventually;
using testing::Process;
using testing::RecordedLog;

class Service final : public ferry::Service<e2e::Descriptors> {
  Result<SeveralReply> several(ServerContext&, SeveralParams) override {
    SeveralReply reply;
    for (int i = 0; i < 3; ++i) {
      reply.files.push_back({.name = "x", .file = UniqueFd(::memfd_create("x", MFD_CLOEXEC))});
    }
    return reply;
  }
};

// Sends descriptors that nobody receives, until the kernel refuses. The limit is the sender's
// RLIMIT_NOFILE, and does not bind the privileged.
bool fill_up(int socket) {
  for (int sent = 0; sent < 1000; ++sent) {
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int lent = STDIN_FILENO;
    std::memcpy(CMSG_DATA(rights), &lent, sizeof(lent));
    if (::sendmsg(socket, &message, MSG_DONTWAIT) < 0) return errno == ETOOMANYREFS;
  }
  return false;
}

class RefusedDescriptorsTest : public ::testing::TestWithParam<std::string> {
 protected:
  // In a process of its own: 0, or the number of the step that went wrong.
  int serve_while_refused(bool for_ever) const;
};

int RefusedDescriptorsTest::serve_while_refused(bool for_ever) const {
  // What is in flight is counted for each user: one that nobody else is, where we may choose.
  const auto nobody_else = static_cast<uid_t>(100'000 + ::getpid());
  if (::geteuid() == 0 && ::setuid(nobody_else) != 0) return 10;
  const rlimit few{100, 100};
  if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return 11;
  const Directory directory;
  const std::string target = GetParam() + ":" + directory.socket();
  RecordedLog log;
  Service service;
  Server server({.log = log.sink()});
  server.add(service);
  if (!server.listen(target).ok() || !server.start().ok()) return 12;
  auto channel = Channel::connect(target);
  if (!channel) return 13;
  const Stub<e2e::Descriptors> stub(*channel);
  if (!stub.several({}, {.deadline = 10s})) return 14;

  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 15;
  UniqueFd sender(ends[0]);
  UniqueFd receiver(ends[1]);
  if (!fill_up(sender.get())) return 16;
  auto reply =
      std::async(std::launch::async, [&] { return stub.several({}, {.deadline = 40s}).status(); });
  const auto ended = [&] { return reply.wait_for(0s) == std::future_status::ready; };
  if (eventually(ended, 50ms)) return 17;  // while the kernel refuses there can be no answer
  if (!for_ever) {
    sender.reset();
    receiver.reset();
    return eventually(ended) && reply.get().ok() ? 0 : 18;
  }
  if (!eventually(ended) || reply.get().code() != StatusCode::kUnavailable) return 19;
  return eventually([&] { return log.count(LogLevel::kWarning, {"ETOOMANYREFS"}) == 1; }) ? 0 : 20;
}

TEST_P(RefusedDescriptorsTest, TheReplyComesWhenTheKernelTakesThemAgain) {
  Process process([this] { return serve_while_refused(false); });
  EXPECT_EQ(process.wait(), 0);
}

TEST_P(RefusedDescriptorsTest, TheConnectionEndsInWordsWhenItNeverDoes) {
  Process process([this] { return serve_while_refused(true); });
  EXPECT_EQ(process.wait(), 0);
}

std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

INSTANTIATE_TEST_SUITE_P(Lanes, RefusedDescriptorsTest,
                         ::testing::Values("unix", "fifo", "mq", "shm", "memfd"), &name_of);

}  // namespace
}  // namespace ferry
