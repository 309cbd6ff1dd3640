// Runs a fuzz target without libFuzzer: its seeds, files, and then mutations of its seeds, each of
// which follows from the seed of the run and its number alone. So any compiler can run it under
// ctest.
//
//   fuzz_NAME [--runs=N] [--seed=S] [--run=K] [--write-seeds=DIR] [FILE...]
//
// --run=K replays one mutation, --write-seeds makes the corpus for a libFuzzer build.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <signal.h>
#include <string>
#include <string_view>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

namespace ferry::fuzz {
namespace {

struct Options {
  std::uint64_t runs = 20'000;
  std::uint64_t seed = 1;
  std::uint64_t only = 0;  // 0: all
  std::string write_seeds;
  std::vector<std::string> files;
};

// Where the run stands, for the signal handler.
char place[128] = "before the first input\n";

void say_place(int signal) {
  // Only what a signal handler may do (signal-safety(7)).
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, place, std::strlen(place));
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void set_place(const std::string& text) {
  const std::size_t length = std::min(text.size(), sizeof place - 1);
  std::memcpy(place, text.data(), length);
  place[length] = '\0';
}

void mutate(Input& input, const std::vector<Input>& all, std::mt19937_64& random) {
  const auto below = [&random](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
  const std::size_t at = below(input.size() + 1);
  const auto place_of = input.begin() + static_cast<std::ptrdiff_t>(at);
  switch (random() % 7) {
    case 0:  // a byte
      if (at < input.size()) input[at] = static_cast<std::uint8_t>(random());
      return;
    case 1:  // a bit
      if (at < input.size()) input[at] ^= static_cast<std::uint8_t>(1U << (random() % 8));
      return;
    case 2: {  // a number that is often wrong
      constexpr std::uint32_t kNumbers[] = {0,     1,          7,          8,          16,
                                            65536, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
      const std::uint32_t number = kNumbers[random() % std::size(kNumbers)];
      if (at + 4 <= input.size()) std::memcpy(input.data() + at, &number, 4);
      return;
    }
    case 3:  // less
      input.erase(place_of, place_of + static_cast<std::ptrdiff_t>(below(input.size() - at + 1)));
      return;
    case 4: {  // more
      Input more(below(64));
      for (std::uint8_t& byte : more) byte = static_cast<std::uint8_t>(random());
      input.insert(place_of, more.begin(), more.end());
      return;
    }
    default: {  // another input behind it, or in it
      const Input& other = all[random() % all.size()];
      if (input.size() + other.size() < 200'000) input.insert(place_of, other.begin(), other.end());
      return;
    }
  }
}

void run_mutation(std::uint64_t seed, std::uint64_t number, const std::vector<Input>& all) {
  set_place("mutation " + std::to_string(number) + ": replay with --seed=" + std::to_string(seed) +
            " --run=" + std::to_string(number) + "\n");
  std::mt19937_64 random(seed * 0x9e3779b97f4a7c15 + number);
  Input input = all[random() % all.size()];
  const std::uint64_t mutations = 1 + random() % 6;
  for (std::uint64_t i = 0; i < mutations; ++i) mutate(input, all, random);
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

Input read_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) {
    std::cerr << "cannot read " << name << "\n";
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool take(std::string_view argument, std::string_view name, std::uint64_t& value) {
  if (!argument.starts_with(name)) return false;
  value = std::strtoull(argument.data() + name.size(), nullptr, 10);
  return true;
}

Options parse(int argc, char** argv) {
  Options options;
  constexpr std::string_view kWrite = "--write-seeds=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (take(argument, "--runs=", options.runs) || take(argument, "--seed=", options.seed) ||
        take(argument, "--run=", options.only)) {
      continue;
    }
    if (argument.starts_with(kWrite)) {
      options.write_seeds = argument.substr(kWrite.size());
    } else if (argument.starts_with("-")) {
      std::cerr << "unknown option " << argument
                << "; there are --runs=N --seed=S --run=K --write-seeds=DIR FILE...\n";
      std::exit(2);
    } else {
      options.files.emplace_back(argument);
    }
  }
  return options;
}

void run(const Options& options) {
  const std::vector<Input> all = seeds();
  for (std::size_t i = 0; i < all.size() && !options.write_seeds.empty(); ++i) {
    std::ofstream file(options.write_seeds + "/seed-" + std::to_string(i), std::ios::binary);
    file.write(reinterpret_cast<const char*>(all[i].data()),
               static_cast<std::streamsize>(all[i].size()));
  }
  if (options.only != 0) return run_mutation(options.seed, options.only, all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    set_place("seed input " + std::to_string(i) + "\n");
    LLVMFuzzerTestOneInput(all[i].data(), all[i].size());
  }
  for (const std::string& name : options.files) {
    set_place("file " + name + "\n");
    const Input input = read_file(name);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  for (std::uint64_t number = 1; number <= options.runs; ++number) {
    run_mutation(options.seed, number, all);
  }
  std::cout << all.size() << " seeds, " << options.files.size() << " files, " << options.runs
            << " mutations\n";
}

}  // namespace
}  // namespace ferry::fuzz

int main(int argc, char** argv) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    ::signal(signal, ferry::fuzz::say_place);
  }
  ferry::fuzz::run(ferry::fuzz::parse(argc, argv));
  return 0;
}
