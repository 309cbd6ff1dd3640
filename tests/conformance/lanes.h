// Connected lanes of every kind, made the way a rendezvous makes them, and what all cases check.
#pragma once

#include <csignal>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include <gtest/gtest.h>

#include <ferry/trust.h>
#include <ferry/unique_fd.h>

#include "transports/transport.h"

namespace ferry::transports::testing {

// One lane, looked at from one side: the two ends of most transports are not alike.
struct LaneCase {
  const Transport* transport = nullptr;  // null: inproc, which needs no set-up
  bool from_server = true;               // whose end is LaneTest::first_
  Trust trust = Trust::kSameUser;        // of both sides in each other
  std::string directory = "/tmp";        // of the rendezvous

  [[nodiscard]] std::string_view transport_name() const;
};

// Every transport of the registry, both ways round and with every trust it permits, and inproc.
[[nodiscard]] std::vector<LaneCase> all_lanes();
// The same without inproc: what two processes can use.
[[nodiscard]] std::vector<LaneCase> lanes_between_processes();
// Of these, the ones whose bytes go elsewhere than over the control socket / over it.
[[nodiscard]] std::vector<LaneCase> lanes_beside_the_control_socket();
[[nodiscard]] std::vector<LaneCase> lanes_on_the_control_socket();
[[nodiscard]] std::string case_name(const ::testing::TestParamInfo<LaneCase>& info);
void PrintTo(const LaneCase& kind, std::ostream* out);

// The two halves of a rendezvous without its greetings: the server passes its ends, the client
// joins and says so. Both may be in one process (start, join, finish) or in two.
class ServerHalf {
 public:
  ServerHalf(LaneCase kind, UniqueFd socket);
  void start();
  [[nodiscard]] std::unique_ptr<Lane> finish();

 private:
  LaneCase kind_;
  UniqueFd socket_;
  std::unique_ptr<Offer> offer_;
};
[[nodiscard]] std::unique_ptr<Lane> join_as_client(const LaneCase& kind, UniqueFd socket);

struct LanePair {
  std::unique_ptr<Lane> first;
  std::unique_ptr<Lane> second;
  // A duplicate of each control socket, for tests that break the rules. Not for inproc.
  UniqueFd first_control;
  UniqueFd second_control;
};
enum class KeepControl : bool { kNo, kYes };
[[nodiscard]] LanePair make_lanes(const LaneCase& kind, KeepControl keep = KeepControl::kNo);

// A forked process that has the second lane and runs `body` with it. It is killed and reaped with
// the object at the latest, and dies with the test.
class ForkedPeer {
 public:
  // Tells the test that a stage was reached, and waits for the end, which is SIGKILL.
  class Stage {
   public:
    explicit Stage(int report) : report_(report) {}
    void reached() const;
    [[noreturn]] static void wait_for_kill();

   private:
    int report_;
  };

  ForkedPeer(const LaneCase& kind, const std::function<void(Lane&, const Stage&)>& body);
  ~ForkedPeer() { kill(); }
  ForkedPeer(const ForkedPeer&) = delete;
  ForkedPeer& operator=(const ForkedPeer&) = delete;

  [[nodiscard]] Lane& lane() { return *lane_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // True when the peer reached its stage; false when it ended before.
  [[nodiscard]] bool wait_for_stage() const;
  void kill();

 private:
  pid_t pid_ = -1;
  UniqueFd report_;
  std::unique_ptr<Lane> lane_;
};

// Every case: a watchdog ends it when it hangs, and no descriptor may be left over.
class LaneTest : public ::testing::TestWithParam<LaneCase> {
 protected:
  void SetUp() override;
  void TearDown() override;
  // Most cases start with two connected lanes.
  void connect(KeepControl keep = KeepControl::kNo) { lanes_ = make_lanes(GetParam(), keep); }
  [[nodiscard]] Lane& first() { return *lanes_.first; }
  [[nodiscard]] Lane& second() { return *lanes_.second; }

  LanePair lanes_;

 private:
  std::string descriptors_before_;
};

// What this process has open, as text to compare: numbers and what they stand for.
[[nodiscard]] std::string open_descriptors();

}  // namespace ferry::transports::testing
