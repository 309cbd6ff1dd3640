// A server that may read a directory, for clients that may not:
//   file_broker_server --listen=unix:/tmp/broker.sock --root=/srv/files
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <grp.h>
#include <iostream>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gflags/gflags.h>

#include <ferry/server.h>

#include "examples/flags.h"
#include "read_through.h"
#include "service.h"

DEFINE_string(listen, "auto:file_broker", "target to listen at, as unix:/run/broker.sock");
DEFINE_string(allow, "", "transports to offer, as unix,mq; empty: all that the target permits");
DEFINE_string(root, ".", "the directory whose files are served");
DEFINE_string(mode, "0666", "mode of the socket: this server is for other users' programs");
DEFINE_string(group, "", "group of the socket; empty: the server's own");
DEFINE_string(
    fork_client, "",
    "instead of listening: make a socketpair, fork, drop privileges in the child, and let it "
    "read this path over fd:N");

namespace {

ferry::Result<ferry::ServerOptions> options() {
  ferry::ServerOptions options;
  options.allow = FLAGS_allow;
  char* end = nullptr;
  options.mode = static_cast<mode_t>(std::strtoul(FLAGS_mode.c_str(), &end, 8));
  if (FLAGS_mode.empty() || *end != '\0' || options.mode > 0777) {
    return ferry::Status::invalid_argument("--mode=" + FLAGS_mode +
                                           ": not an octal mode like 0660");
  }
  if (!FLAGS_group.empty()) {
    const group* entry = ::getgrnam(FLAGS_group.c_str());
    if (entry == nullptr) {
      return ferry::Status::not_found("--group=" + FLAGS_group + ": there is no such group");
    }
    options.group = entry->gr_gid;
  }
  return options;
}

// The pattern of privilege separation: the parent keeps its rights and serves, the child gives its
// own up and asks.
ferry::Status serve_a_forked_client(broker::Broker& service, ferry::ServerOptions options) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return ferry::Status::from_errno(errno, "make a socketpair");
  }
  ferry::UniqueFd ours(ends[0]);
  ferry::UniqueFd theirs(ends[1]);
  const pid_t child = ::fork();  // before any thread exists
  if (child < 0) return ferry::Status::from_errno(errno, "fork");
  if (child == 0) {
    ours.reset();
    auto target = "fd:" + std::to_string(theirs.release());  // from here on the channel's
    ::_exit(ferry::exit_code(broker::read_through(target, FLAGS_fork_client, 1)));
  }
  theirs.reset();
  ferry::Server server(std::move(options));
  server.add(service);
  if (auto status = server.adopt(std::move(ours)); !status.ok()) return status;
  if (auto status = server.start(); !status.ok()) return status;
  int exit = 0;
  while (::waitpid(child, &exit, 0) < 0 && errno == EINTR) {
  }
  if (exit != 0) return ferry::Status::unknown("the client failed");
  return server.stop();
}

ferry::Status serve() {
  auto chosen = options();
  if (!chosen) return chosen.status();
  ferry::UniqueFd root(::open(FLAGS_root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return ferry::Status::from_errno(errno, "open --root=" + FLAGS_root);
  broker::Broker service(std::move(root));
  if (!FLAGS_fork_client.empty()) return serve_a_forked_client(service, std::move(*chosen));
  ferry::Server server(std::move(*chosen));
  server.add(service);
  return server.run(FLAGS_listen);
}

}  // namespace

int main(int argc, char** argv) {
  examples::parse_flags(
      argc, argv, "Serves the files beneath a directory to clients that may not open them.",
      {"file_broker_server --listen=unix:/tmp/broker.sock --root=/srv/files --group=users "
       "--mode=0660",
       "file_broker_server --root=/srv/files --fork_client=reports/may.txt"});
  return ferry::exit_code(serve());
}
