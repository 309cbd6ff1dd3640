// The FileBroker service.
#pragma once

#include <utility>

#include "beneath.h"
#include "file_broker.capnp.ferry.h"

namespace broker {

class Broker final : public ferry::Service<demo::FileBroker> {
 public:
  explicit Broker(ferry::UniqueFd root) : root_(std::move(root)) {}

 private:
  ferry::Result<OpenReply> open(ferry::ServerContext&, OpenParams in) override {
    auto file = open_beneath(root_.get(), in.path);
    if (!file) return file.status();  // PERMISSION_DENIED: leaves the directory
    return OpenReply{.file = std::move(*file)};
  }

  ferry::Result<FillReply> fill(ferry::ServerContext&, FillParams in) override {
    auto bytes =
        copy_into(in.into.get(), root_.get(), in.path);  // kind checked before, closed after
    if (!bytes) return bytes.status();
    return FillReply{.bytes = *bytes};
  }

  ferry::Result<OpenAllReply> openAll(ferry::ServerContext&, OpenAllParams in) override {
    auto names = names_in(root_.get(), in.directory);
    if (!names) return names.status();
    OpenAllReply reply;
    for (const std::string& name : *names) {
      auto file = open_beneath(root_.get(), std::string(in.directory) + "/" + name);
      if (!file) return file.status();  // those already opened are closed
      reply.entries.push_back({.name = name, .file = std::move(*file)});
    }
    return reply;
  }

  const ferry::UniqueFd root_;
};

}  // namespace broker
