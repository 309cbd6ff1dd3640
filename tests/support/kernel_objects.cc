#include "tests/support/kernel_objects.h"

#include <fstream>
#include <mqueue.h>
#include <sched.h>
#include <sstream>
#include <sys/mount.h>
#include <unistd.h>
#include <vector>

namespace ferry::testing {

namespace {

constexpr const char* kSharedMemory = "/dev/shm";

std::string file(const char* path) {
  const std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string line(const std::string& what, const std::vector<std::string>& names) {
  std::string text = what + ":";
  for (const std::string& name : names) text += " " + name;
  return text + "\n";
}

// How many small queues this user may still make: a queue that was left behind counts against it.
int queue_headroom() {
  std::vector<mqd_t> queues;
  for (int i = 0; i < 300; ++i) {
    const std::string name = "/ferry-headroom-" + std::to_string(::getpid());
    mq_attr attributes{};
    attributes.mq_maxmsg = 1;
    attributes.mq_msgsize = 8192;
    const mqd_t queue =
        ::mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
    if (queue == static_cast<mqd_t>(-1)) break;
    ::mq_unlink(name.c_str());
    queues.push_back(queue);
  }
  for (const mqd_t queue : queues) ::mq_close(queue);
  return static_cast<int>(queues.size());
}

}  // namespace

KernelObjects::KernelObjects() {
  if (::unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", kSharedMemory, "tmpfs", 0, "mode=1777") != 0) {
    return;
  }
  own_ = ::mount("mqueue", mount_point_.path().c_str(), "mqueue", 0, nullptr) == 0;
}

KernelObjects::~KernelObjects() {
  if (!own_) return;
  ::umount2(mount_point_.path().c_str(), MNT_DETACH);
  ::umount2(kSharedMemory, MNT_DETACH);
}

std::string KernelObjects::list() const {
  return line(kSharedMemory, names_in(kSharedMemory)) +
         (own_ ? line("queues", names_in(mount_point_.path()))
               : "room for queues: " + std::to_string(queue_headroom()) + "\n") +
         file("/proc/sysvipc/msg") + file("/proc/sysvipc/sem") + file("/proc/sysvipc/shm");
}

}  // namespace ferry::testing
