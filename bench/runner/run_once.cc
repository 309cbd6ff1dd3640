#include "bench/runner/run_once.h"

#include <array>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace bench {
namespace {

std::vector<std::string> arguments_for(const std::string& bin, const Config& config, const Row& row,
                                       double seconds) {
  std::vector<std::string> arguments = {
      bin + "/" + row.program,
      "--contestant=" + row.lane,
      "--size=" + std::to_string(config.size),
      "--seconds=" + std::to_string(seconds),
      "--clients=" + std::to_string(config.clients),
      "--work_us=" + std::to_string(config.work_us),
  };
  if (config.clients == 1) {
    arguments.push_back(std::string("--placement=") +
                        (config.placement == "one-cpu" ? "one-cpu" : "two-cpu"));
  }
  if (row.spin) arguments.emplace_back("--spin");
  if (row.pool && row.kind == Kind::kFerry) arguments.emplace_back("--pool");
  return arguments;
}

// Standard output of the program, or nothing when it failed.
std::optional<std::string> output_of(const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe(ends) != 0) return std::nullopt;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string output;
  std::array<char, 512> piece{};
  for (ssize_t size = 0; error == 0 && (size = read(ends[0], piece.data(), piece.size())) > 0;) {
    output.append(piece.data(), static_cast<std::size_t>(size));
  }
  close(ends[0]);
  int status = 0;
  if (error != 0 || waitpid(child, &status, 0) != child || status != 0) return std::nullopt;
  return output;
}

}  // namespace

std::optional<Sample> run_once(const std::string& bin, const Config& config, const Row& row,
                               double seconds) {
  const auto output = output_of(arguments_for(bin, config, row, seconds));
  if (!output) return std::nullopt;
  Sample sample;
  std::istringstream words(*output);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = word.substr(0, equals);
    const double value = std::strtod(word.c_str() + equals + 1, nullptr);
    if (name == "p50_us") sample.p50_us = value;
    if (name == "p99_us") sample.p99_us = value;
    if (name == "calls_per_s") sample.calls_per_s = value;
    if (name == "cpu_us") sample.cpu_us = value;
  }
  if (sample.p50_us <= 0) return std::nullopt;
  return sample;
}

}  // namespace bench
