// The names that FIFOs and queues have between two system calls, and what a process that was killed
// between them left behind.
//
// Neither kind of object can be made without a name, and nothing can be done at the moment of a
// kill. So the names are such that whoever finds one later knows that nobody needs it, without
// asking whether some process lives: a pid says nothing across pid namespaces, or once it is used
// again.
#pragma once

#include <string>

#include <ferry/result.h>

namespace ferry::transports::sys {

// The path of a new FIFO for the server that holds the name lock of `rendezvous` (the socket's
// path): RENDEZVOUS.<32 hexadecimal digits>.fifo, which nobody can guess. Nobody else makes such
// names, and the lock ends with its holder, so the next holder knows them for leftovers.
[[nodiscard]] Result<std::string> fifo_name(const std::string& rendezvous);

// The one name under which every process of this user makes its queues; without a mount of the
// mqueue file system names cannot be listed, so it has to be known. No process uses it after the
// call that made the queue: removing it takes nothing from anybody, dead or alive.
[[nodiscard]] std::string queue_name();
// The same with digits that nobody can guess, for when another user has taken the name. One that is
// left behind stays: the price of not being kept from queues by others.
[[nodiscard]] Result<std::string> spare_queue_name();

// Removes queue_name(). False when it is another user's.
bool remove_queue_name();

// Removes the FIFOs of the socket `file` in `directory` (an O_PATH descriptor is enough) and
// queue_name(), of this user only. For the holder of the socket's name lock. What cannot be removed
// is left: a server can do without.
void remove_leftovers(int directory, const std::string& file);

}  // namespace ferry::transports::sys
