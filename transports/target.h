// Target: where a server listens and how its clients reach it, parsed from a string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ferry/result.h>

namespace ferry::transports {

// A parsed target. What a string looks like:
//
//   unix:PATH fifo:PATH mq:PATH shm:PATH memfd:PATH   that transport and no other
//   auto:PATH[?order=mq,memfd,unix]                   the first that both sides can do
//   fd:N                                              an inherited socket
//   inproc:NAME                                       inside this process
//
// A PATH without '/' is a name: $XDG_RUNTIME_DIR/ferry/NAME.sock.
struct Target {
  enum class Kind : std::uint8_t {
    kTransport,   // `order` has the one transport
    kAuto,        // `order` is the user's, or empty: all_transports()
    kDescriptor,  // `descriptor`
    kInproc,      // `name`
  };

  Kind kind = Kind::kAuto;
  std::string text;                // as the user wrote it, for messages
  std::vector<std::string> order;  // transports, most wanted first; each is known, none twice
  std::string path;                // of the rendezvous socket; fits a sockaddr_un
  bool runtime_directory = false;  // `path` was a name: ferry makes and checks the directory
  int descriptor = -1;
  std::string name;
};

// INVALID_ARGUMENT says which part of `text` is wrong and what is accepted; FAILED_PRECONDITION: a
// name needs XDG_RUNTIME_DIR, which is not set. Reads the environment, touches no file.
[[nodiscard]] Result<Target> parse_target(std::string_view text);

}  // namespace ferry::transports
