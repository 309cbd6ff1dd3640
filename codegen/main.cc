// capnpc-ferry: the plugin that `capnp compile -oferry` runs.
//
// Reads a CodeGeneratorRequest from standard input and writes NAME.capnp.ferry.h and .c++ below the
// current directory for each requested file. What cannot be done is said on standard error, one
// line each, `file: Interface.method.parameter: reason`; then nothing is written and it exits
// with 1.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <capnp/message.h>
#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>

#include "codegen/emit_file.h"
#include "codegen/output.h"
#include "idl/model_builder.h"

namespace {

constexpr const char* kHelp =
    R"(capnpc-ferry: the plugin of the Cap'n Proto compiler that writes ferry's stubs and services.

  capnp compile -oc++ -oferry -I IDL_DIR files.capnp
  capnp compile -oc++:build -o/opt/ferry/bin/capnpc-ferry:build -I IDL_DIR files.capnp

writes files.capnp.ferry.h and files.capnp.ferry.c++ to the current directory, or to the one after the
colon; they include files.capnp.h, which -oc++ writes. -oferry looks for capnpc-ferry in PATH. IDL_DIR is
the directory that `import "/ferry/rpc.capnp"` starts from: idl/ of the source tree, PREFIX/share/ferry/idl
once installed. In CMake, ferry_generate(TARGET app SCHEMAS files.capnp) does all of it.

What cannot be compiled is said in one line each, `file: Interface.method.parameter: reason`; then
nothing is written and the exit code is 1.

capnp passes a plugin no options. The environment does:
  FERRY_SKIP_REFUSED=1   leaves methods out that ferry cannot do, as streaming ones, instead of
                         refusing the file; the header names them. ferry_generate(... SKIP_REFUSED)
                         sets it.

  --help                 this text
)";

void say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

int generate() {
  capnp::ReaderOptions limits;
  limits.traversalLimitInWords = std::uint64_t{1} << 30;  // our own compiler's output
  capnp::StreamFdMessageReader message(STDIN_FILENO, limits);
  auto request = message.getRoot<capnp::schema::CodeGeneratorRequest>();

  const char* skip = std::getenv("FERRY_SKIP_REFUSED");
  ferry::idl::BuildOptions options;
  options.skip_refused = skip != nullptr && std::string_view(skip) == "1";
  const ferry::idl::BuildResult model = ferry::idl::build_model(request, options);
  for (const ferry::idl::Problem& problem : model.problems) {
    say(problem.file + ": " + (problem.where.empty() ? "" : problem.where + ": ") + problem.reason);
  }
  if (!model.problems.empty()) return 1;

  std::vector<std::pair<std::string, std::string>> files;
  for (const ferry::idl::File& file : model.files) {
    files.emplace_back(file.name + ".ferry.h", ferry::codegen::header_text(file));
    files.emplace_back(file.name + ".ferry.c++", ferry::codegen::source_text(file));
  }
  const std::string problem = ferry::codegen::write_all(files);
  if (!problem.empty()) say("capnpc-ferry: " + problem);
  return problem.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (argc > 1 || isatty(STDIN_FILENO) != 0) {
    say("capnpc-ferry is run by capnp: capnp compile -oc++ -oferry FILE.capnp (--help says more)");
    return 2;
  }
  try {
    return generate();
  } catch (const kj::Exception& error) {
    say(std::string("capnpc-ferry: read the request of capnp: ") + error.getDescription().cStr());
    return 1;
  }
}
