#include "tests/examples/program.h"

#include <fcntl.h>
#include <grp.h>
#include <ostream>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ferry::testing {
namespace {

constexpr int kNotStarted = 127;  // a shell's code for it
// Seconds. Less than ctest's limit, so that what a program wrote that does not end is shown.
constexpr unsigned kLifetime = 50;

bool become(uid_t uid) {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(uid, uid, uid) == 0 &&
         ::setresuid(uid, uid, uid) == 0;
}

int execute(const std::string& name, const std::vector<std::string>& arguments, int output,
            std::optional<uid_t> uid) {
  // Opened before rights are dropped: the build may lie where the other user can't look.
  const int program = ::open((FERRY_BIN "/" + name).c_str(), O_PATH | O_CLOEXEC);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  const pid_t parent = ::getppid();
  if (uid && !become(*uid)) return kNotStarted;
  // Changing one's user clears it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) return kNotStarted;
  ::alarm(kLifetime);  // outlives execve(2)
  std::vector<char*> argv{const_cast<char*>(name.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::fexecve(program, argv.data(), environ);
  return kNotStarted;
}

}  // namespace

Program::Program(const std::string& name, const std::vector<std::string>& arguments,
                 std::optional<uid_t> uid)
    : written_(::memfd_create("output", MFD_CLOEXEC)) {
  process_.emplace([&] { return execute(name, arguments, written_.get(), uid); });
}

std::string Program::output() const {
  std::string text;
  char buffer[4096];
  for (ssize_t size = 0; (size = ::pread(written_.get(), buffer, sizeof buffer,
                                         static_cast<off_t>(text.size()))) > 0;) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

bool Ended::says(const std::string& text) const { return count(text) > 0; }

int Ended::count(const std::string& text) const {
  int found = 0;
  for (auto at = output.find(text); at != std::string::npos; at = output.find(text, at + 1)) {
    ++found;
  }
  return found;
}

std::string Ended::value(const std::string& name) const {
  const auto at = output.find(name + "=");
  if (at == std::string::npos) return "";
  const auto begin = at + name.size() + 1;
  return output.substr(begin, output.find_first_of(" \n", begin) - begin);
}

std::ostream& operator<<(std::ostream& out, const Ended& ended) {
  return out << "exit code " << ended.code << ", and it wrote:\n" << ended.output;
}

Ended run(const std::string& name, const std::vector<std::string>& arguments,
          std::optional<uid_t> uid) {
  Program program(name, arguments, uid);
  const int code = program.wait();
  return {code, program.output()};
}

bool listens(const std::string& path) {
  return eventually([&] {
    struct stat about {};
    return ::lstat(path.c_str(), &about) == 0 && S_ISSOCK(about.st_mode);
  });
}

}  // namespace ferry::testing
