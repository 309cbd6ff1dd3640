#include "tests/rendezvous/support.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace ferry::transports::testing {

TempDirectory::TempDirectory() {
  char name[] = "/tmp/ferry-test-XXXXXX";
  if (::mkdtemp(name) == nullptr) std::abort();
  path_ = name;
  ::chmod(name, 0755);
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Child::Child(const std::function<void(int, int)>& body) {
  int report[2];
  int until[2];
  if (::pipe2(report, O_CLOEXEC) != 0 || ::pipe2(until, O_CLOEXEC) != 0) std::abort();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::close(report[0]);
    ::close(until[1]);
    body(report[1], until[0]);
    ::_exit(0);
  }
  ::close(report[1]);
  ::close(until[0]);
  report_.reset(report[0]);
  until_.reset(until[1]);
}

Child::~Child() {
  if (pid_ > 0) kill();
}

std::string Child::line() {
  std::string text;
  char c = 0;
  while (::read(report_.get(), &c, 1) == 1 && c != '\n') text += c;
  return text;
}

void Child::kill() {
  ::kill(pid_, SIGKILL);
  wait();
}

int Child::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

void say(int report, const std::string& line) {
  const std::string text = line + "\n";
  if (::write(report, text.data(), text.size()) < 0) ::_exit(1);
}

void stay(int until) {
  char c = 0;
  while (::read(until, &c, 1) > 0) {
  }
}

std::string in_child(const std::function<std::string()>& body) {
  Child child([&](int report, int) {
    const std::string text = body();
    if (::write(report, text.data(), text.size()) < 0) ::_exit(1);
  });
  std::string all;
  for (std::string line = child.line(); !line.empty(); line = child.line()) {
    all += (all.empty() ? "" : "\n") + line;
  }
  const int status = child.wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "wait status " << status;
  return all;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

UniqueFd raw_connect(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    return {};
  return socket;
}

}  // namespace ferry::transports::testing
