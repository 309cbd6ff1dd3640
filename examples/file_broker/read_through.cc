#include "read_through.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <grp.h>
#include <iostream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ferry/channel.h>
#include <ferry/unique_fd.h>

#include "file_broker.capnp.ferry.h"

namespace broker {

using namespace std::chrono_literals;
using ferry::Channel;
using ferry::Result;
using ferry::Status;
using ferry::UniqueFd;

namespace {

constexpr uid_t kNobody = 65534;
constexpr auto kPatience = 5s;  // for a call: a busy machine may leave us waiting for a CPU

// From here on this process is nobody, for good.
Status become_nobody() {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
      ::setresuid(kNobody, kNobody, kNobody) != 0) {
    return Status::from_errno(errno, "drop root's rights");
  }
  return {};
}

// Connects as somebody else where that can be: the server then sees a foreign uid.
Result<Channel> connect_without_rights(const std::string& target) {
  if (::getuid() != 0) {
    std::cout << "uid=" << ::getuid() << "\n";
    return Channel::connect(target);
  }
  if (target.rfind("shm:", 0) == 0) {
    std::cout << "uid=0 kept: shm: serves no other user, because whoever can write a semaphore can "
                 "abort its waiter\n";
    return Channel::connect(target);
  }
  // As nobody for the moment: where the socket lies may be closed to them.
  if (::seteuid(kNobody) != 0) return Status::from_errno(errno, "act as nobody");
  auto channel = Channel::connect(target);
  if (::seteuid(0) != 0) return Status::from_errno(errno, "act as root again");
  const bool unreachable = channel.status().code() == ferry::StatusCode::kPermissionDenied;
  if (unreachable) {
    std::cout << "nobody may not reach the socket (" << channel.status().message()
              << "): connecting as root, dropping then\n";
    channel = Channel::connect(target);
  }
  if (auto status = become_nobody(); !status.ok()) return status;
  std::cout << "uid=" << ::getuid() << " dropped from 0\n";
  return channel;
}

Result<std::string> contents(int fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t read = ::pread(fd, buffer, sizeof buffer, static_cast<off_t>(text.size()));
    if (read < 0) return Status::from_errno(errno, "read the descriptor");
    if (read == 0) return text;
    text.append(buffer, static_cast<std::size_t>(read));
  }
}

class Reader {
 public:
  Reader(Channel& channel, const std::string& path) : broker_(channel), path_(path) {}

  Status open(std::uint64_t calls) {
    const auto start = std::chrono::steady_clock::now();
    UniqueFd file;
    for (std::uint64_t call = 0; call < calls; ++call) {
      auto reply = broker_.open({.path = path_}, {.deadline = kPatience});
      if (!reply) return reply.status();
      file = std::move(reply->file);
      ++descriptors_;
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    auto text = contents(file.get());
    if (!text) return text.status();
    std::cout << "open " << path_ << ": " << text->size() << " bytes, "
              << ((::fcntl(file.get(), F_GETFL) & O_ACCMODE) == O_RDONLY ? "read-only" : "writable")
              << "\n"
              << *text << (text->empty() || text->back() != '\n' ? "\n" : "") << "calls=" << calls
              << " us_per_call=" << took.count() / static_cast<double>(calls) << "\n";
    return {};
  }

  Status open_all() {
    const auto slash = path_.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path_.substr(0, slash);
    auto reply = broker_.openAll({.directory = directory}, {.deadline = kPatience});
    if (!reply) return reply.status();
    std::cout << "openAll " << directory << ":";
    for (const auto& entry : reply->entries) {
      struct stat about {};
      if (::fstat(entry.file.get(), &about) != 0) return Status::from_errno(errno, "fstat");
      std::cout << " " << entry.name << " (" << about.st_size << " bytes)";
      ++descriptors_;
    }
    std::cout << "\n";
    return {};
  }

  Status fill() {
    const UniqueFd page(::memfd_create("page", MFD_CLOEXEC));
    if (!page) return Status::from_errno(errno, "make a memfd");
    auto reply = broker_.fill({.path = path_, .into = page}, {.deadline = kPatience});  // lent
    if (!reply) return reply.status();
    ++descriptors_;
    auto text = contents(page.get());
    if (!text) return text.status();
    std::cout << "fill: the server wrote " << reply->bytes << " bytes into our memory\n";
    return text->size() == reply->bytes ? Status()
                                        : Status::data_loss("the memory has other bytes");
  }

  // What leaves the directory must be refused, in words.
  Status refused() {
    auto reply = broker_.open({.path = "../" + path_}, {.deadline = kPatience});
    if (reply) return Status::internal("the server opened ../" + path_);
    std::cout << "open ../" << path_ << ": " << reply.status() << "\n";
    return {};
  }

  [[nodiscard]] std::uint64_t descriptors() const { return descriptors_; }

 private:
  ferry::Stub<demo::FileBroker> broker_;
  const std::string path_;
  std::uint64_t descriptors_ = 0;
};

}  // namespace

Status read_through(const std::string& target, const std::string& path, std::uint64_t calls) {
  auto channel = connect_without_rights(target);
  if (!channel) return channel.status();
  std::cout << "transport=" << channel->transport() << "\n";
  Reader reader(*channel, path);
  if (auto status = reader.open(calls); !status.ok()) return status;
  if (auto status = reader.open_all(); !status.ok()) return status;
  if (auto status = reader.fill(); !status.ok()) return status;
  if (auto status = reader.refused(); !status.ok()) return status;
  std::cout << "descriptors=" << reader.descriptors() << std::endl;
  return {};
}

}  // namespace broker
