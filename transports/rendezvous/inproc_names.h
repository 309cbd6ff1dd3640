// inproc:NAME: servers and clients of one process find each other by name.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <ferry/result.h>

#include "transports/rendezvous/client.h"
#include "transports/rendezvous/connected.h"

namespace ferry::transports {

// Called on the connecting thread with the server's end; answers with the server's greeting, or
// refuses. Calls for one name come one at a time. Must not destroy its own InprocListener.
using InprocAcceptor = std::function<Result<std::string>(Connected client)>;

// Holds a name for as long as it lives. When its destructor returns no call of the acceptor is
// under way, and none will come.
class InprocListener {
 public:
  // ALREADY_EXISTS: the name is taken.
  [[nodiscard]] static Result<InprocListener> open(const std::string& name,
                                                   InprocAcceptor acceptor);
  InprocListener(InprocListener&&) noexcept;
  InprocListener& operator=(InprocListener&&) noexcept;
  ~InprocListener();

 private:
  struct Entry;
  friend Result<Connected> connect_inproc(const std::string&, const ConnectOptions&);

  InprocListener(std::string name, std::shared_ptr<Entry> entry);
  void close() noexcept;

  std::string name_;
  std::shared_ptr<Entry> entry_;
};

// What connect() does for an inproc target. UNAVAILABLE: nobody has the name.
[[nodiscard]] Result<Connected> connect_inproc(const std::string& name,
                                               const ConnectOptions& options);

}  // namespace ferry::transports
