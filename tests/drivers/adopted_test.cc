// Sockets that a Channel or a Server is handed, by number or owned: what is wrong with one is said
// in words that name the target and what to do.
#include <fcntl.h>
#include <string>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include <ferry/channel.h>
#include <ferry/server.h>

#include "tests/drivers/echo_service.h"
#include "tests/support/processes.h"

namespace ferry {
namespace {

// A number that is open nowhere, whatever the tests do.
constexpr int kClosed = 99;

std::string remedy() {
  return ": pass a connected local stream socket, such as an end of a socketpair(2)";
}
std::string fd(int number) { return "fd:" + std::to_string(number); }
std::string descriptor(int number) { return "descriptor " + std::to_string(number); }

int null_device() { return ::open("/dev/null", O_RDWR | O_CLOEXEC); }
int unconnected() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }
int tcp() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

class Adopted : public ::testing::Test {
 protected:
  Adopted() { server_.add(echo_); }

  const std::size_t before_ = testing::open_descriptors();
  testing::EchoService echo_;
  Server server_;
};

TEST_F(Adopted, ATargetThatAChannelCannotUseIsNamedWithWhatToDo) {
  const auto says = [](int number, const std::string& why) {
    EXPECT_EQ(
        Channel::connect(fd(number)).status(),
        Status::invalid_argument("connect to \"" + fd(number) + "\": " + descriptor(number) + why));
  };
  says(kClosed,
       " is not open in this process: pass one that it inherited (opened without close-on-exec)");
  says(null_device(), " is not a socket" + remedy());
  says(tcp(), " is not a local stream socket (AF_UNIX, SOCK_STREAM)" + remedy());
  says(unconnected(), " is not connected" + remedy());
  EXPECT_EQ(testing::open_descriptors(), before_) << "the number was not taken over";
}

TEST_F(Adopted, ATargetThatAServerCannotUseIsNamedWithWhatToDo) {
  const auto says = [this](int number, const std::string& why) {
    EXPECT_EQ(
        server_.listen(fd(number)),
        Status::invalid_argument("listen on \"" + fd(number) + "\": " + descriptor(number) + why));
  };
  says(kClosed,
       " is not open in this process: pass one that it inherited (opened without close-on-exec)");
  says(null_device(), " is not a socket" + remedy());
  says(unconnected(), " is not connected" + remedy());
  const int listening = tcp();
  ASSERT_EQ(::listen(listening, 1), 0);
  says(listening, " is not a listening local stream socket (AF_UNIX, SOCK_STREAM): pass one");
}

TEST_F(Adopted, ASocketThatCannotBeUsedIsSaidSo) {
  const Status none =
      Status::invalid_argument("adopt a socket: there is none; pass a connected local socket");
  EXPECT_EQ(Channel::adopt(UniqueFd()).status(), none);
  EXPECT_EQ(server_.adopt(UniqueFd()), none);
  const int number = null_device();
  EXPECT_EQ(server_.adopt(UniqueFd(number)),
            Status::invalid_argument("adopt a socket: " + descriptor(number) + " is not a socket" +
                                     remedy()));
}

}  // namespace
}  // namespace ferry
