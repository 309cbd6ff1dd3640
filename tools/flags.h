// Command lines of the programs in examples/ and bench/: gflags, with a --help that shows the
// program's own flags and not the library's thirty.
#pragma once

#include <string>

namespace ferry::tools {

// Sets the program's FLAGS_... from its command line. `--help` prints `usage`, then every flag with
// its default, and ends the process with 0. What can't be parsed, or is no flag, ends it with words
// and a code that isn't 0.
void parse_flags(int argc, char** argv, const std::string& usage);

// Says on standard error what is wrong with the command line. The exit code for it: 2.
[[nodiscard]] int usage_error(const std::string& what);

}  // namespace ferry::tools
