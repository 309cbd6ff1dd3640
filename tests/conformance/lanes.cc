#include "tests/conformance/lanes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "transports/inproc/inproc.h"
#include "transports/sys/scm.h"

namespace ferry::transports::testing {

namespace {

// Seconds; a case takes a few at most, under a sanitizer and on a busy machine as well.
constexpr unsigned kWatchdog = 50;

// What stands here can only go wrong when the machine is out of something: no case can go on.
template <typename T>
T must(Result<T> result, std::string_view what) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s: %s\n", std::string(what).c_str(), result.status().to_string().c_str());
  std::abort();
}
void must(bool done, std::string_view what) {
  if (done) return;
  std::fprintf(stderr, "%s: %s\n", std::string(what).c_str(), std::strerror(errno));
  std::abort();
}

SetUp set_up(const LaneCase& kind) {
  SetUp result;
  result.peer = {.pid = ::getpid(), .uid = ::geteuid(), .gid = ::getegid(), .trust = kind.trust};
  result.rendezvous = kind.directory + "/s.sock";
  return result;
}

std::pair<UniqueFd, UniqueFd> socket_pair() {
  int ends[2] = {-1, -1};
  must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

UniqueFd duplicate(const UniqueFd& fd) { return must(fd.duplicate(), "duplicate"); }

std::vector<LaneCase> lanes(bool inproc) {
  std::vector<LaneCase> all;
  for (const Transport* transport : all_transports()) {
    for (const Trust trust : {Trust::kSameUser, Trust::kHostile}) {
      LaneCase kind{.transport = transport, .trust = trust};
      if (!transport->permits(set_up(kind).peer).ok()) continue;
      all.push_back(kind);
      kind.from_server = false;
      all.push_back(kind);
    }
  }
  if (inproc) all.push_back({});
  return all;
}

// The one transport that needs no other descriptor.
bool uses_control_socket(const LaneCase& kind) { return kind.transport->name() == "unix"; }

}  // namespace

std::string_view LaneCase::transport_name() const {
  return transport == nullptr ? "inproc" : transport->name();
}

std::vector<LaneCase> all_lanes() { return lanes(true); }
std::vector<LaneCase> lanes_between_processes() { return lanes(false); }
std::vector<LaneCase> lanes_beside_the_control_socket() {
  auto all = lanes(false);
  std::erase_if(all, uses_control_socket);
  return all;
}
std::vector<LaneCase> lanes_on_the_control_socket() {
  auto all = lanes(false);
  std::erase_if(all, [](const LaneCase& kind) { return !uses_control_socket(kind); });
  return all;
}

std::string case_name(const ::testing::TestParamInfo<LaneCase>& info) {
  std::ostringstream name;
  PrintTo(info.param, &name);
  return name.str();
}

void PrintTo(const LaneCase& kind, std::ostream* out) {
  *out << kind.transport_name();
  if (kind.transport == nullptr) return;
  *out << (kind.from_server ? "_server" : "_client");
  if (kind.trust == Trust::kHostile) *out << "_hostile";
}

ServerHalf::ServerHalf(LaneCase kind, UniqueFd socket)
    : kind_(std::move(kind)), socket_(std::move(socket)) {}

void ServerHalf::start() {
  offer_ = must(kind_.transport->offer(set_up(kind_)), "offer");
  std::uint64_t parameter = offer_->parameter();
  const iovec part{&parameter, sizeof(parameter)};
  must(sys::send(socket_.get(), {&part, 1}, offer_->descriptors()).outcome == Io::kDone, "pass");
}

std::unique_ptr<Lane> ServerHalf::finish() {
  char joined = 0;
  must(::read(socket_.get(), &joined, 1) == 1, "the client joins");
  return must(offer_->accept(std::move(socket_)), "accept");
}

std::unique_ptr<Lane> join_as_client(const LaneCase& kind, UniqueFd socket) {
  std::uint64_t parameter = 0;
  std::vector<UniqueFd> passed;
  const sys::SocketIo io = sys::receive(
      socket.get(), std::as_writable_bytes(std::span(&parameter, 1)), sys::Wait::kYes, passed);
  must(io.outcome == Io::kDone && io.bytes == sizeof(parameter), "receive the server's ends");
  const UniqueFd answer = duplicate(socket);
  auto lane =
      must(kind.transport->join(set_up(kind), parameter, std::move(passed), socket), "join");
  must(::write(answer.get(), "j", 1) == 1, "tell the server");
  return lane;
}

LanePair make_lanes(const LaneCase& kind, KeepControl keep) {
  LanePair pair;
  if (kind.transport == nullptr) {
    std::tie(pair.first, pair.second) = make_inproc_lanes();
    return pair;
  }
  auto [server_socket, client_socket] = socket_pair();
  if (keep == KeepControl::kYes) {
    pair.first_control = duplicate(kind.from_server ? server_socket : client_socket);
    pair.second_control = duplicate(kind.from_server ? client_socket : server_socket);
  }
  ServerHalf server(kind, std::move(server_socket));
  server.start();
  auto client = join_as_client(kind, std::move(client_socket));
  pair.first = server.finish();
  pair.second = std::move(client);
  if (!kind.from_server) std::swap(pair.first, pair.second);
  return pair;
}

void ForkedPeer::Stage::reached() const { must(::write(report_, "s", 1) == 1, "report a stage"); }

void ForkedPeer::Stage::wait_for_kill() {
  for (;;) ::pause();
}

ForkedPeer::ForkedPeer(const LaneCase& kind, const std::function<void(Lane&, const Stage&)>& body) {
  auto [ours, theirs] = socket_pair();
  int report[2] = {-1, -1};
  must(::pipe2(report, O_CLOEXEC) == 0, "pipe2");
  UniqueFd read_end(report[0]);
  UniqueFd write_end(report[1]);
  const auto half = [&kind](bool server, UniqueFd socket) {
    if (!server) return join_as_client(kind, std::move(socket));
    ServerHalf server_half(kind, std::move(socket));
    server_half.start();
    return server_half.finish();
  };
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  must(pid_ >= 0, "fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    ours.reset();
    read_end.reset();
    const auto lane = half(!kind.from_server, std::move(theirs));
    body(*lane, Stage(write_end.get()));
    ::_exit(0);
  }
  theirs.reset();
  report_ = std::move(read_end);
  write_end.reset();
  lane_ = half(kind.from_server, std::move(ours));
}

bool ForkedPeer::wait_for_stage() const {
  char stage = 0;
  ssize_t count = 0;
  do count = ::read(report_.get(), &stage, 1);
  while (count < 0 && errno == EINTR);
  return count == 1;
}

void ForkedPeer::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void LaneTest::SetUp() {
  ::alarm(kWatchdog);  // SIGALRM ends the process
  descriptors_before_ = open_descriptors();
}

void LaneTest::TearDown() {
  lanes_ = {};
  EXPECT_EQ(open_descriptors(), descriptors_before_);
  ::alarm(0);
}

std::string open_descriptors() {
  namespace fs = std::filesystem;
  std::vector<std::string> lines;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    const std::string target = fs::read_symlink(entry.path(), ignored).string();
    // The directory that is just being read.
    if (target.find("/fd") != std::string::npos && target.rfind("/proc/", 0) == 0) continue;
    lines.push_back(entry.path().filename().string() + " " + target);
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace ferry::transports::testing
