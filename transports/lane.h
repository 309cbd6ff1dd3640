// A Lane carries the bytes of one connection, both ways, and descriptors beside them.
//
// The contract. Every lane is written against this text, and every line of it is a case in
// tests/conformance.
//
// What it carries. Two independent, reliable, ordered streams of bytes, one each way. A lane knows
// nothing of frames or calls: a write may arrive in pieces, two writes may arrive as one. Lanes
// whose mechanism caps a message cut the stream themselves. Bytes handed out by read() are private
// copies: the peer can no longer change them.
//
// Descriptors. write() may pass descriptors with the bytes; they belong to the frame that starts
// at its first byte. They are sent first (on the control socket, declared by a sequence number and
// a count), so once the first byte of the frame was read, take_descriptors() finds them without
// waiting. They are taken in the order in which they were sent, and exactly as many as were sent
// together. Received descriptors are close-on-exec. What the peer sent and nobody took is closed
// with the lane.
//
// Threads. At any time one thread may be in the writing half (write, wait_writable) and one in the
// reading half (read, read_parked, arm, disarm, clear_bell, take_descriptors, on_control_readable).
// The two halves need no lock between them. interrupt() and hang_up() may be called by any thread.
//
// Blocking. Only read_parked() and wait_writable() block.
//
// Peer death. When the peer is gone (its end of the control socket is closed), reads first hand out
// what had arrived, then say kClosed; writes say kClosed. No signal is raised (SIGPIPE, SIGBUS).
//
// Errors. A peer that breaks the lane's own rules (a ring index out of range, an undeclared or
// missing descriptor, ...) makes every later operation say kFailed. failure() has the reason.
// kClosed and kFailed are final. Nothing here aborts, throws or hangs because of a peer.
//
// Ownership. A lane owns all its descriptors, mappings and kernel objects, the control socket
// among them, and frees them in its destructor; no thread may be inside it then. It leaves nothing
// behind in the file system or in IPC name spaces, however either process ends.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <sys/uio.h>
#include <vector>

#include <ferry/result.h>
#include <ferry/unique_fd.h>

namespace ferry::transports {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC
using TimePoint = Clock::time_point;
inline constexpr TimePoint kNever = TimePoint::max();
// `time` from now, or kNever when that is too far away to be told.
[[nodiscard]] inline TimePoint deadline_after(std::chrono::nanoseconds time) noexcept {
  const TimePoint now = Clock::now();
  return time >= kNever - now ? kNever : now + time;
}

enum class Io : std::uint8_t {
  kDone,         // `bytes` (at least 1) were moved; for wait_writable: something may move now
  kWouldBlock,   // nothing moved: no input there, or no room
  kTimedOut,     // the deadline passed while parked
  kInterrupted,  // interrupt() was called
  kClosed,       // the peer is gone and everything it sent was handed out
  kFailed,       // the peer broke the lane's rules, or the kernel refused; failure() says what
};

struct IoResult {
  Io outcome = Io::kWouldBlock;
  std::size_t bytes = 0;
};

// How a thread learns that a lane has input.
enum class WaitMode : std::uint8_t {
  kDescriptor,  // poll poll_set().readable; an event loop can drive the lane
  kThread,      // only read_parked() can wait: a thread must be parked in it (shm)
  kCallback,    // set_ready_callback(): for lanes inside one process (inproc)
};

// The descriptors an event loop watches. -1 where there is none. They belong to the lane.
struct PollSet {
  int readable = -1;  // level-triggered readability means: call clear_bell(), then read()
  int writable = -1;  // after a write() that said kWouldBlock, writability means: write again.
                      // -1: the bell (readable) announces room as well
  int control = -1;   // readability means: call on_control_readable(). -1: same as `readable`
};

class Lane {
 public:
  virtual ~Lane() = default;
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // The transport's name as in its target: "unix", "memfd". Static storage.
  [[nodiscard]] virtual std::string_view transport() const noexcept = 0;
  [[nodiscard]] virtual WaitMode wait_mode() const noexcept = 0;

  // ---- writing half

  // Takes as many bytes of `bytes` as fit now, in order, and rings the peer's bell if it sleeps.
  // `descriptors` (at most limits::kDescriptors) belong to the first byte and are duplicated by the
  // kernel: the caller still owns its own. If any byte was taken, so were they. After kWouldBlock
  // nothing was taken as far as the caller can tell: it must repeat the same first bytes and
  // descriptors before it writes others. Never blocks.
  [[nodiscard]] virtual IoResult write(std::span<const iovec> bytes,
                                       std::span<const int> descriptors) = 0;

  // Parks until write() may take something, input may be there, `deadline`, or interrupt().
  [[nodiscard]] virtual IoResult wait_writable(TimePoint deadline) = 0;

  // ---- reading half

  // Moves what is there now into `into` (not empty). Never blocks.
  [[nodiscard]] virtual IoResult read(std::span<std::byte> into) = 0;

  // The same, but parks until there is something, the peer is gone, `deadline` passes, or
  // interrupt() is called. The common path costs the system calls of DESIGN 9 and no more.
  [[nodiscard]] virtual IoResult read_parked(std::span<std::byte> into, TimePoint deadline) = 0;

  // Takes the `count` descriptors that came with the next frame that has any (`count` > 0), into
  // `into`, behind what is there. Anything but exactly `count` there is a failure of the lane
  // (INVALID_ARGUMENT: the peer lied; RESOURCE_EXHAUSTED: our descriptor table was full, and the
  // message names RLIMIT_NOFILE), and leaks nothing.
  [[nodiscard]] virtual Status take_descriptors(std::size_t count, std::vector<UniqueFd>& into) = 0;

  // Whether descriptors wait that came with bytes read() has handed out. Once all frames in those
  // bytes were seen, these are descriptors that no frame declares. Always false where descriptors
  // may be ahead of their bytes.
  [[nodiscard]] virtual bool descriptors_left() const noexcept { return false; }

  // ---- for event loops (wait_mode() kDescriptor or kCallback)

  [[nodiscard]] virtual PollSet poll_set() const noexcept = 0;
  // Call before going to sleep in poll: tells the peer to ring. False: input or room came in the
  // meantime, so don't sleep. disarm() on waking says that we are awake and need no ringing.
  [[nodiscard]] virtual bool arm() { return true; }
  virtual void disarm() {}
  // Clears a bell that made poll_set().readable readable. At most one system call.
  virtual void clear_bell() {}
  // The control socket is readable: takes in declared descriptors, or learns that the peer is gone.
  // kWouldBlock: nothing more for now. kClosed: the peer is gone, read() hands out the rest.
  [[nodiscard]] virtual IoResult on_control_readable() = 0;
  // Whether it was descriptors, not bytes, that the last write() that said kWouldBlock found no
  // room for. Nothing announces that room: an event loop tries again by itself. Any thread.
  [[nodiscard]] virtual bool descriptors_blocked() const noexcept { return false; }
  // kCallback only: `ready` is called, from the peer's thread and under no lock, whenever input or
  // room may have come after arm(). An empty function stops it; when this returns, no call is
  // under way.
  virtual void set_ready_callback(std::function<void()> ready) { static_cast<void>(ready); }

  // ---- any thread

  // Makes a parked read_parked() or wait_writable(), or the next one, return kInterrupted, once.
  virtual void interrupt() noexcept = 0;
  // Somebody else saw the peer's end (an event loop that watches poll_set().control for a kThread
  // lane): wakes the parked reader; reads hand out the rest and then say kClosed.
  virtual void hang_up() noexcept = 0;

  // Why an operation said kFailed or kClosed. OK while neither happened.
  [[nodiscard]] virtual Status failure() const = 0;

 protected:
  Lane() = default;
};

}  // namespace ferry::transports
