// outside TARGET: a server and its client in one program, as a user of an installed ferry has them.
#include <array>
#include <fcntl.h>
#include <iostream>
#include <string>
#include <unistd.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "outside.capnp.ferry.h"

namespace {

class Teller final : public ferry::Service<outside::Teller> {
  ferry::Result<TellReply> tell(ferry::ServerContext&, TellParams in) override {
    std::array<char, 64> text{};
    const ssize_t size = ::read(in.file.get(), text.data(), text.size());
    if (size < 0) return ferry::Status::from_errno(errno, "reading the file");
    return TellReply{.told = std::string(in.name) + ": " +
                             std::string(text.data(), static_cast<std::size_t>(size))};
  }
};

ferry::Result<std::string> ask(const std::string& target, const char* path) {
  auto channel = ferry::Channel::connect(target);
  if (!channel) return channel.status();
  const ferry::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  ferry::Stub<outside::Teller> teller(*channel);
  auto reply = teller.tell({.name = "you", .file = file}, {.deadline = std::chrono::seconds(5)});
  if (!reply) return reply.status();
  return reply->told;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Teller teller;
  ferry::Server server;
  server.add(teller);
  if (auto status = server.listen(argv[1]); !status.ok()) return ferry::exit_code(status);
  if (auto status = server.start(); !status.ok()) return ferry::exit_code(status);
  auto told = ask(argv[1], argv[2]);
  if (auto status = server.stop(); !status.ok()) return ferry::exit_code(status);
  if (!told) return ferry::exit_code(told.status());
  std::cout << *told << "\n";
}
