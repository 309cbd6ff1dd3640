#include <cerrno>
#include <cstring>
#include <iostream>
#include <unistd.h>

#include "bench/harness/contestant.h"

namespace bench {

void require(bool fine, std::string_view what) {
  if (fine) return;
  std::cerr << "bench: " << what << std::endl;
  // Not exit(): destructors of a half-made contestant must not run, in either process.
  _exit(3);
}

void require_call(long result, std::string_view what) {
  if (result >= 0) return;
  require(false, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace bench
