#include "transports/rendezvous/inproc_names.h"

#include <map>
#include <mutex>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "transports/inproc/inproc.h"

namespace ferry::transports {

// `mutex` is held while the acceptor runs, so that closing waits for it.
struct InprocListener::Entry {
  std::mutex mutex;
  InprocAcceptor acceptor;  // empty once closed
};

namespace {

template <typename Entry>
struct Names {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Entry>, std::less<>> entries;
};

template <typename Entry>
Names<Entry>& names() {
  static Names<Entry> all;
  return all;
}

// There is one process, so there is one user: as trusted as asked for, fully unless told otherwise.
Peer this_process(Trust trust) {
  return {::getpid(), ::geteuid(), ::getegid(), trust == Trust::kDefault ? Trust::kFull : trust};
}

Connected connected(std::unique_ptr<Lane> lane, Trust trust, std::string greeting) {
  Connected one;
  one.lane = std::move(lane);
  one.peer = this_process(trust);
  one.greeting = std::move(greeting);
  one.explain = "inproc carries the calls: it is the transport asked for\n";
  return one;
}

}  // namespace

InprocListener::InprocListener(std::string name, std::shared_ptr<Entry> entry)
    : name_(std::move(name)), entry_(std::move(entry)) {}
InprocListener::InprocListener(InprocListener&&) noexcept = default;
InprocListener& InprocListener::operator=(InprocListener&& other) noexcept {
  if (this == &other) return *this;
  close();
  name_ = std::move(other.name_);
  entry_ = std::move(other.entry_);
  return *this;
}
InprocListener::~InprocListener() { close(); }

Result<InprocListener> InprocListener::open(const std::string& name, InprocAcceptor acceptor) {
  auto entry = std::make_shared<Entry>();
  entry->acceptor = std::move(acceptor);
  auto& all = names<Entry>();
  const std::lock_guard guard(all.mutex);
  if (!all.entries.emplace(name, entry).second) {
    return Status::already_exists("listen on \"inproc:" + name +
                                  "\": a server of this process has the name");
  }
  return InprocListener(name, std::move(entry));
}

void InprocListener::close() noexcept {
  if (!entry_) return;
  auto& all = names<Entry>();
  {
    const std::lock_guard guard(all.mutex);
    all.entries.erase(name_);
  }
  const std::lock_guard guard(entry_->mutex);
  entry_->acceptor = nullptr;
}

Result<Connected> connect_inproc(const std::string& name, const ConnectOptions& options) {
  const std::string where = "connect to \"inproc:" + name + "\"";
  const Status nobody =
      Status::unavailable(where + ": nobody in this process listens under that name");
  std::shared_ptr<InprocListener::Entry> entry;
  {
    auto& all = names<InprocListener::Entry>();
    const std::lock_guard guard(all.mutex);
    const auto found = all.entries.find(name);
    if (found == all.entries.end()) return nobody;
    entry = found->second;
  }
  auto [client, server] = make_inproc_lanes();
  const std::lock_guard guard(entry->mutex);
  if (!entry->acceptor) return nobody;
  auto greeting = entry->acceptor(connected(std::move(server), Trust::kDefault, options.greeting));
  if (!greeting) return greeting.status().with_context(where + ": the server refused");
  return connected(std::move(client), options.trust, std::move(*greeting));
}

}  // namespace ferry::transports
