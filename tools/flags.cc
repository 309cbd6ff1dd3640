#include "tools/flags.h"

#include <cstdlib>
#include <iostream>
#include <vector>

#include <gflags/gflags.h>

DECLARE_bool(help);  // gflags' own

namespace ferry::tools {
namespace {

constexpr int kUsageError = 2;  // of a shell's own commands

// gflags defines its own flags in files called gflags*.cc.
bool is_our_own(const gflags::CommandLineFlagInfo& flag) {
  const std::string file = flag.filename.substr(flag.filename.rfind('/') + 1);
  return file.rfind("gflags", 0) != 0;
}

void print_help(const std::string& usage) {
  std::cout << usage << "\n\nFlags:\n";
  std::vector<gflags::CommandLineFlagInfo> flags;
  gflags::GetAllFlags(&flags);
  for (const auto& flag : flags) {
    if (!is_our_own(flag)) continue;
    const bool quoted = flag.type == "string";
    std::cout << "  --" << flag.name << "\n      " << flag.description
              << " (default: " << (quoted ? "\"" + flag.default_value + "\"" : flag.default_value)
              << ")\n";
  }
  std::cout.flush();
}

}  // namespace

void parse_flags(int argc, char** argv, const std::string& usage) {
  gflags::SetUsageMessage(usage);
  // Not ParseCommandLineFlags(), whose --help ends with 1.
  gflags::ParseCommandLineNonHelpFlags(&argc, &argv, true);
  if (FLAGS_help) {
    print_help(usage);
    std::exit(0);
  }
  gflags::HandleCommandLineHelpFlags();  // --version and the like
  if (argc > 1) std::exit(usage_error(std::string("not a flag: ") + argv[1]));
}

int usage_error(const std::string& what) {
  std::cerr << gflags::ProgramInvocationShortName() << ": " << what << " (--help says more)\n";
  return kUsageError;
}

}  // namespace ferry::tools
