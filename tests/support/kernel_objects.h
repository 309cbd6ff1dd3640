// What processes may leave behind under names in the kernel.
#pragma once

#include <string>

#include "tests/support/processes.h"

namespace ferry::testing {

// As root: from its construction on this process, and the children it forks, have IPC objects and a
// /dev/shm of their own, with the mqueue file system mounted so that queues can be listed, and what
// other programs do is not seen. Otherwise: what the machine has, and of the queues, which cannot
// be listed then, how many this user may still make. One at a time, before any thread.
class KernelObjects {
 public:
  KernelObjects();
  ~KernelObjects();
  KernelObjects(const KernelObjects&) = delete;
  KernelObjects& operator=(const KernelObjects&) = delete;

  // /dev/shm, queues, SysV objects, as text to compare.
  [[nodiscard]] std::string list() const;

 private:
  Directory mount_point_;
  bool own_ = false;
};

}  // namespace ferry::testing
