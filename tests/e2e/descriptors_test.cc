// Descriptors as arguments and results, over every lane: they arrive with their own message, keep
// their rules, and none is left open whatever becomes of the call.
#include <array>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "descriptors.capnp.ferry.h"
#include "tests/support/processes.h"

namespace ferry {
namespace {

using namespace std::chrono_literals;
using testing::Directory;
using testing::eventually;

// What this process has open but for eventfds and epolls, which no test passes: a lane makes them
// when it first waits, and whether it ever does depends on how fast the other side is.
std::size_t open_descriptors() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code closed;
    const auto link = std::filesystem::read_symlink(entry.path(), closed);
    if (closed || link == "anon_inode:[eventfd]" || link == "anon_inode:[eventpoll]") continue;
    ++count;
  }
  return count;
}

UniqueFd memory(const std::string& text, int seals = 0) {
  UniqueFd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::pwrite(fd.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  if (seals != 0) {
    EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  }
  return fd;
}

std::string text_of(int fd) {
  std::string text(100, '\0');
  const ssize_t read = ::pread(fd, text.data(), text.size(), 0);
  text.resize(read < 0 ? 0 : static_cast<std::size_t>(read));
  return text;
}

class Service final : public ferry::Service<e2e::Descriptors> {
  Result<SwapReply> swap(ServerContext&, SwapParams in) override {
    SwapReply reply;
    auto two = in.two.take();
    auto one = in.one.take();
    if (!one || !two) return Status::internal("not there");
    reply.two = std::move(*two);
    reply.one = std::move(*one);
    const auto* body = reinterpret_cast<const std::byte*>(in.body.data());
    reply.body.assign(body, body + in.body.size());
    return reply;
  }
  Result<ListReply> list(ServerContext&, ListParams in) override {
    ListReply reply;
    for (const auto& named : in.files) {
      auto file = named.file.take();
      if (!file) return file.status();
      reply.files.push_back({.name = std::string(named.name), .file = std::move(*file)});
    }
    return reply;
  }
  Result<EitherReply> either(ServerContext&, EitherParams in) override {
    EitherReply reply;
    reply.value.which = in.value.which;
    if (in.value.which == e2e::Either::PIPE) {
      auto pipe = in.value.pipe.take();
      if (!pipe) return pipe.status();
      reply.value.pipe = std::move(*pipe);
    }
    return reply;
  }
  Result<MaybeReply> maybe(ServerContext&, MaybeParams in) override {
    MaybeReply reply;
    if (in.file) {
      auto file = in.file->take();
      if (!file) return file.status();
      reply.file = std::move(*file);
    }
    return reply;
  }
  Result<FileReply> file(ServerContext&, FileParams) override { return FileReply{}; }
  Result<SealedReply> sealed(ServerContext&, SealedParams) override { return SealedReply{}; }
  Result<BadReplyReply> badReply(ServerContext&, BadReplyParams) override {
    return BadReplyReply{.file = memory("no directory")};
  }
  Result<SeveralReply> several(ServerContext&, SeveralParams) override {
    SeveralReply reply;
    for (int i = 0; i < 3; ++i) reply.files.push_back({.name = "x", .file = memory("x")});
    return reply;
  }
};

std::string name_of(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

class DescriptorsTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const std::string where = GetParam() == "inproc" ? "e2e" : directory_.socket();
    server_.add(service_, {.executor = Executor::kInline});
    ASSERT_EQ(server_.listen(GetParam() + ":" + where), Status());
    ASSERT_EQ(server_.start(), Status());
    auto channel = Channel::connect(GetParam() + ":" + where, {.spin = Spin::kOff});
    ASSERT_TRUE(channel) << channel.status();
    channel_ = std::make_unique<Channel>(std::move(*channel));
    stub_ = std::make_unique<Stub<e2e::Descriptors>>(*channel_);
    // What a lane opens to wait, for input and for room, is there from here on.
    warm_up();
    before_ = open_descriptors();
  }
  void warm_up() {
    const std::vector<std::byte> large(1000000);
    const UniqueFd any = memory("any");
    ASSERT_TRUE(stub_->swap({.one = any, .body = large, .two = any}, {.deadline = 10s}));
  }
  // Called when the test holds none of its own any more.
  void expect_no_leak() const {
    EXPECT_TRUE(eventually([&] { return open_descriptors() <= before_; }))
        << open_descriptors() << " open, " << before_ << " before";
  }

  Directory directory_;
  Service service_;
  Server server_;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<Stub<e2e::Descriptors>> stub_;
  std::size_t before_ = 0;
};

TEST_P(DescriptorsTest, ArriveWithTheirOwnMessageWhateverItsSize) {
  // The sizes at which other systems lost descriptors: nothing, a pipe's page, a chunk, many
  // chunks.
  for (const std::size_t size : {0U, 8192U, 65536U, 1048576U}) {
    const std::vector<std::byte> body(size, std::byte{7});
    const UniqueFd one = memory("one");
    UniqueFd two = memory("two");
    auto reply = stub_->swap({.one = one, .body = body, .two = std::move(two)}, {.deadline = 10s});
    ASSERT_TRUE(reply) << size << ": " << reply.status();
    EXPECT_EQ(text_of(reply->one.get()), "one");
    EXPECT_EQ(text_of(reply->two.get()), "two");
    EXPECT_EQ(reply->body.size(), size);
    EXPECT_TRUE(one.valid()) << "lent";
    EXPECT_FALSE(two.valid()) << "given";
    EXPECT_NE(::fcntl(reply->one.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  expect_no_leak();
}

TEST_P(DescriptorsTest, StandInListsStructsUnionsAndMayBeOptional) {
  {
    std::array<UniqueFd, 20> files;
    std::array<View<e2e::Named>, 20> named;
    for (std::size_t i = 0; i < files.size(); ++i) {
      files[i] = memory(std::to_string(i));
      named[i] = {.name = "n", .file = files[i]};
    }
    auto reply = stub_->list({.files = named}, {.deadline = 5s});
    ASSERT_TRUE(reply) << reply.status();
    ASSERT_EQ(reply->files.size(), files.size());
    for (std::size_t i = 0; i < files.size(); ++i) {
      EXPECT_EQ(text_of(reply->files[i].file.get()), std::to_string(i));
    }
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UniqueFd reading(ends[0]);
    const UniqueFd writing(ends[1]);
    auto either =
        stub_->either({.value = {.which = e2e::Either::PIPE, .pipe = reading}}, {.deadline = 5s});
    ASSERT_TRUE(either) << either.status();
    EXPECT_TRUE(either->value.pipe.valid());
    auto none = stub_->maybe({}, {.deadline = 5s});
    ASSERT_TRUE(none) << none.status();
    EXPECT_FALSE(none->file);
    auto some = stub_->maybe({.file = reading}, {.deadline = 5s});
    ASSERT_TRUE(some) << some.status();
    EXPECT_TRUE(some->file);
  }
  expect_no_leak();
}

TEST_P(DescriptorsTest, AWrongOneIsRefusedByNameAndNothingLeaks) {
  {
    const UniqueFd writable = memory("x");
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd reading(ends[0]);
    const UniqueFd writing(ends[1]);
    const UniqueFd path(::open("/proc/self/exe", O_PATH | O_CLOEXEC));
    const int closed = ::dup(reading.get());
    ::close(closed);
    const UniqueFd unsealed = memory("x", F_SEAL_SHRINK);
    const auto expect_refused = [](const Status& status, std::string_view parameter) {
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
      EXPECT_NE(status.message().find(parameter), std::string::npos) << status;
    };
    expect_refused(stub_->file({.file = writable}, {.deadline = 5s}).status(), "file");  // access
    expect_refused(stub_->file({.file = reading}, {.deadline = 5s}).status(), "file");   // kind
    expect_refused(stub_->file({.file = path}, {.deadline = 5s}).status(), "file");      // O_PATH
    expect_refused(stub_->file({.file = FdArg::lend(closed)}, {.deadline = 5s}).status(), "file");
    expect_refused(stub_->file({}, {.deadline = 5s}).status(), "file");  // null
    expect_refused(stub_->sealed({.memory = unsealed}, {.deadline = 5s}).status(), "memory");
    expect_refused(stub_->badReply({}, {.deadline = 5s}).status(), "file");
    const UniqueFd sealed = memory("x", F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    const Status fine = stub_->sealed({.memory = sealed}, {.deadline = 5s}).status();
    EXPECT_TRUE(fine.ok()) << fine;
  }
  expect_no_leak();
}

TEST_P(DescriptorsTest, TooManyAreRefusedWithBothNumbersBeforeTheyAreSent) {
  {
    const UniqueFd file = memory("x");
    std::vector<View<e2e::Named>> named(300, {.name = "n", .file = file});
    const Status status = stub_->list({.files = named}, {.deadline = 5s}).status();
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
    EXPECT_NE(status.message().find("253"), std::string::npos) << status;
    named.resize(253);
    const Status most = stub_->list({.files = named}, {.deadline = 10s}).status();
    EXPECT_TRUE(most.ok()) << most;
  }
  expect_no_leak();
}

// From here on this process can open nothing, until it is destroyed.
class FullDescriptorTable {
 public:
  FullDescriptorTable() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit_), 0);
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    const rlimit full{static_cast<rlim_t>(lowest_free), limit_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &full), 0);
  }
  ~FullDescriptorTable() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit_), 0); }
  FullDescriptorTable(const FullDescriptorTable&) = delete;
  FullDescriptorTable& operator=(const FullDescriptorTable&) = delete;

 private:
  rlimit limit_{};
};

void expect_table_full(const Status& status) {
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
  EXPECT_NE(status.message().find("RLIMIT_NOFILE"), std::string::npos) << status;
}

TEST_P(DescriptorsTest, LendingWithAFullDescriptorTableNamesTheLimit) {
  {
    const UniqueFd file = memory("x");
    Status status;
    {
      const FullDescriptorTable full;
      status = stub_->maybe({.file = file}, {.deadline = 5s}).status();
    }
    expect_table_full(status);
    EXPECT_TRUE(stub_->maybe({.file = file}, {.deadline = 5s}));
  }
  expect_no_leak();
}

INSTANTIATE_TEST_SUITE_P(Lanes, DescriptorsTest,
                         ::testing::Values("inproc", "unix", "fifo", "mq", "shm", "memfd", "auto"),
                         name_of);

// The server is a process of its own: its table has room.
class ReceivingTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ReceivingTest, WithAFullDescriptorTableNamesTheLimitAndTheNextCallWorks) {
  const Directory directory;
  const std::string target = GetParam() + ":" + directory.socket();
  const testing::Process process([&] {
    Service service;
    Server server({.log = nullptr});
    server.add(service);
    return exit_code(server.run(target));
  });
  Result<Channel> channel = Status::unavailable("not tried");
  ASSERT_TRUE(eventually([&] {
    channel = Channel::connect(target, {.spin = Spin::kOff});
    return channel.ok();
  })) << channel.status();
  const Stub<e2e::Descriptors> stub(*channel);
  ASSERT_TRUE(stub.several({}, {.deadline = 5s}));
  const std::size_t before = open_descriptors();
  Status status;
  {
    const FullDescriptorTable full;
    status = stub.several({}, {.deadline = 5s}).status();
  }
  expect_table_full(status);
  auto again = stub.several({}, {.deadline = 5s});
  EXPECT_TRUE(again) << again.status();
  again = Status::cancelled("closes what it held");
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= before; }))
      << open_descriptors() << " open, " << before << " before";
}

INSTANTIATE_TEST_SUITE_P(Lanes, ReceivingTest,
                         ::testing::Values("unix", "fifo", "mq", "shm", "memfd"), name_of);

}  // namespace
}  // namespace ferry
