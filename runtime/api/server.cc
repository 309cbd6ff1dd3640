#include <utility>

#include <ferry/server.h>

#include "runtime/api/server_impl.h"

namespace ferry {

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Server::~Server() {
  // A forked child's copy belongs to the parent: its threads are not here and its locks may be
  // held.
  if (impl_->forked()) static_cast<void>(impl_.release());
}

void Server::add(support::ServiceBase& service, ServiceOptions options) {
  impl_->add(service, nullptr, std::move(options));
}

void Server::add(std::shared_ptr<support::ServiceBase> service, ServiceOptions options) {
  support::ServiceBase& reference = *service;
  impl_->add(reference, std::move(service), std::move(options));
}

Status Server::run(std::string_view target) { return impl_->run(target); }
Status Server::listen(std::string_view target) { return impl_->listen(target); }
Status Server::adopt(UniqueFd socket) { return impl_->adopt(std::move(socket)); }
Status Server::start() { return impl_->start(); }
Status Server::stop(std::chrono::nanoseconds wait) { return impl_->stop(wait); }
Status Server::wait() { return impl_->wait(); }
std::size_t Server::connections() const { return impl_->connections(); }

}  // namespace ferry
