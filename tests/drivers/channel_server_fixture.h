// A Channel and a Server of one process, over a transport and with an executor.
#pragma once

#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "tests/drivers/echo_service.h"
#include "tests/support/processes.h"

namespace ferry::testing {

struct Case {
  std::string scheme;
  Executor executor;
  // What a failing test prints.
  friend std::ostream& operator<<(std::ostream& out, const Case& value) {
    return out << value.scheme;
  }
};

inline std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  return info.param.scheme + (info.param.executor == Executor::kInline ? "_inline" : "_pool");
}

// Each of `schemes` with each of `executors`.
inline std::vector<Case> cases(std::initializer_list<Executor> executors,
                               std::initializer_list<const char*> schemes = {
                                   "inproc", "unix", "fifo", "mq", "shm", "memfd", "auto"}) {
  std::vector<Case> cases;
  for (const char* scheme : schemes) {
    for (const Executor executor : executors) cases.push_back({scheme, executor});
  }
  return cases;
}

class ChannelServerFixture : public ::testing::TestWithParam<Case> {
 protected:
  std::string target() const { return GetParam().scheme + ":" + directory_.socket(); }
  void serve(ServerOptions options = {}) {
    server_ = std::make_unique<Server>(std::move(options));
    server_->add(echo_, {.executor = GetParam().executor});
    ASSERT_EQ(server_->listen(target()), Status());
    ASSERT_EQ(server_->start(), Status());
  }
  Channel connect(ConnectOptions options = {}) {
    auto channel = Channel::connect(target(), options);
    EXPECT_TRUE(channel) << channel.status();
    return std::move(*channel);
  }

  Directory directory_;
  EchoService echo_;
  std::unique_ptr<Server> server_;
};

}  // namespace ferry::testing
