// Command lines of the examples.
#pragma once

#include <string>

#include "tools/flags.h"

namespace examples {

using ferry::tools::usage_error;

// Sets FLAGS_... from the command line. `--help` says `purpose`, a line, two `commands` to try,
// what targets there are, and the program's flags; then it ends the process.
inline void parse_flags(int argc, char** argv, const std::string& purpose,
                        const char* const (&commands)[2]) {
  ferry::tools::parse_flags(argc, argv,
                            purpose + "\n\n  " + commands[0] + "\n  " + commands[1] + R"(

A target names the transport and the server's socket:
  unix:PATH fifo:PATH mq:PATH shm:PATH memfd:PATH   that transport, or an error that says why not
  auto:PATH                                         the best that both sides can do
  auto:PATH?order=mq,unix                           the first of these that both sides can do
  fd:N                                              a connected socket that the process inherited
A PATH without a slash is $XDG_RUNTIME_DIR/ferry/PATH.sock.)");
}

}  // namespace examples
