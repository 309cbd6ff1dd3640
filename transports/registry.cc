// Every transport there is. A new one is a line here.
#include <algorithm>
#include <array>

#include "transports/fifo/fifo.h"
#include "transports/memfd/memfd.h"
#include "transports/mq/mq.h"
#include "transports/shm/shm.h"
#include "transports/transport.h"
#include "transports/unix/unix.h"

namespace ferry::transports {

std::span<const Transport* const> all_transports() {
  static const std::array<const Transport*, 5> transports{
      &memfd_transport(), &shm_transport(), &unix_transport(), &fifo_transport(), &mq_transport(),
  };
  return transports;
}

const Transport* find_transport(std::string_view name) {
  const auto all = all_transports();
  const auto found = std::find_if(all.begin(), all.end(), [name](const Transport* transport) {
    return transport->name() == name;
  });
  return found == all.end() ? nullptr : *found;
}

}  // namespace ferry::transports
