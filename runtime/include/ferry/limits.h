// The limits that somebody who uses ferry can meet: each a named constant with its unit and its
// reason. What only the wire format needs stands with it, in runtime/protocol.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ferry::limits {

// ---- messages

// Largest message a peer may send, in bytes, unless an option says otherwise. Cap'n Proto's own
// default traversal limit is 64 MiB; a bigger message is better shared as a descriptor.
inline constexpr std::size_t kMessageBytes = std::size_t{64} << 20;
// A message above this many bytes travels in chunks, so that other frames may go between them.
inline constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
// Largest frame: one chunk and the largest header and tables that may stand before it.
inline constexpr std::size_t kFrameBytes = kChunkBytes + (std::size_t{8} << 10);
// Bytes a reader keeps for incoming frames: a whole frame always fits behind a partial one.
inline constexpr std::size_t kReceiveBufferBytes = 2 * kFrameBytes;
// Segments one message may have: Cap'n Proto's own readers refuse 512 and more.
inline constexpr std::uint32_t kSegments = 511;
// Nested pointers one message may have: Cap'n Proto's default.
inline constexpr int kNesting = 64;
// How often a message's words may be read before it is taken for an attack (pointers that overlap).
// Every look at the same field counts: one for the check, one for the plain form, the rest is for
// handlers in message form.
inline constexpr std::size_t kTraversals = 8;
// Words that may be read on top of that, so that small messages may be looked at often: 1 MiB, read
// in well under a millisecond.
inline constexpr std::size_t kTraversalWords = std::size_t{128} << 10;
// Bytes the lists of one message may take once decoded into plain form. A few bytes on the wire can
// claim many elements (structs without content take none); this is 4 times the largest message.
inline constexpr std::size_t kDecodedBytes = 4 * kMessageBytes;
// Bytes of the text of a Status that travel; the rest is cut.
inline constexpr std::size_t kStatusMessageBytes = std::size_t{4} << 10;
// Bytes a message is built in on the stack before the heap is used: a small unary call fits.
inline constexpr std::size_t kScratchBytes = 1024;

// ---- descriptors

// Descriptors one message may carry. The kernel passes 253 in one sendmsg (SCM_MAX_FD, unix(7)), so
// this is one batch, and well below the usual RLIMIT_NOFILE of 1024.
inline constexpr std::uint32_t kDescriptors = 253;
// Attachment table slots one message may have, nulled ones included.
inline constexpr std::uint32_t kAttachmentSlots = 4096;
// Messages with descriptors that may be on their way unread, each way: unread descriptors block the
// control socket for everything (278 such messages filled it when measured).
inline constexpr std::uint32_t kUnreadDescriptorMessages = 64;

// ---- calls and connections

// Bytes of messages one connection may have on their way unconsumed, each way.
inline constexpr std::uint32_t kConnectionWindowBytes = std::uint32_t{1} << 20;
// Calls one connection may have in flight, started by one side.
inline constexpr std::uint32_t kCallsInFlight = 4096;
// Connections one server keeps at once.
inline constexpr std::size_t kConnections = 4096;
// Handshakes one listening socket has under way: clients that say nothing hold a place for
// kHandshakeTime each, and no descriptors of those that talk.
inline constexpr std::size_t kHandshakes = 512;
// Service instances one server may offer.
inline constexpr std::size_t kServices = 256;
// Connections of lanes that cannot be polled; each costs the server a thread.
inline constexpr std::size_t kLaneThreads = 64;
// Calls that may wait for a worker, over all connections, before RESOURCE_EXHAUSTED.
inline constexpr std::size_t kPoolQueue = 16384;
// Worker threads of a server's pool, unless told otherwise: at least this many, or one a CPU.
inline constexpr std::size_t kPoolThreads = 4;

// Bytes of messages that may wait in one Session because the peer gives no credit, before a further
// one is RESOURCE_EXHAUSTED: a peer that calls and never reads must not fill our memory with
// replies. As many again may be under way in chunks, before further messages wait although there is
// credit: the peer chooses its window.
inline constexpr std::size_t kSendBacklogBytes = std::size_t{64} << 20;
// Bytes of frames ready to be written, before further messages wait although there is credit.
inline constexpr std::size_t kOutputBytes = std::size_t{256} << 10;

// ---- time

// A handshake, from connect to the lane's first byte, unless the caller's deadline is shorter.
inline constexpr std::chrono::milliseconds kHandshakeTime{1000};
// How long a server that was told to stop lets calls in flight go on.
inline constexpr std::chrono::milliseconds kDrainTime{5000};

// ---- handshake

// Bytes of one side's greeting: a table of limits::kServices services with long names fits.
inline constexpr std::size_t kGreetingBytes = std::size_t{64} << 10;
// Bytes of a handshake record's body: the greeting, and room for a name and a reason of each of
// kWantedTransports. It fits an empty socket's buffer (212,992 bytes by default), so a handshake
// rarely waits for room.
inline constexpr std::size_t kHandshakeBodyBytes = kGreetingBytes + (std::size_t{32} << 10);
// Descriptors one offer may carry: the most a transport needs is a segment and a bell each way.
inline constexpr std::size_t kOfferDescriptors = 8;
// Transports one client may ask for, and bytes of a transport's name.
inline constexpr std::size_t kWantedTransports = 32;
inline constexpr std::size_t kTransportNameBytes = 32;
// Bytes of a reason that are passed on: a few lines of a log.
inline constexpr std::size_t kReasonBytes = 512;
// How long a server without a free descriptor leaves its listening socket alone.
inline constexpr std::chrono::milliseconds kAcceptPause{50};

// ---- lanes

// Bytes of one ring; a lane in shared memory has two. A power of two.
inline constexpr std::size_t kRingBytes = std::size_t{64} << 10;
// The smallest and the largest ring a client accepts: a page, and a bound on what a server can make
// it map.
inline constexpr std::size_t kRingBytesLeast = std::size_t{4} << 10;
inline constexpr std::size_t kRingBytesMost = std::size_t{64} << 20;
// Bells in a row that a waiter of a ring finds nothing behind before it gives the connection up. A
// peer that keeps the rules leaves at most a few stale ones between two pieces of progress; one
// that rings for ever would keep a CPU busy for ever.
inline constexpr std::uint32_t kEmptyBells = 4096;
// How long a wait on a POSIX semaphore may last before the waiter looks around: bounds the delay
// when a faulty peer spoils a wake-up (reliability of sem_t depends on all who can write it).
inline constexpr std::chrono::milliseconds kSemaphoreSlice{1000};
// POSIX queue geometry: 4 x 8 KiB, two queues a connection. RLIMIT_MSGQUEUE (819,200 bytes for one
// uid by default) then allows about a dozen connections; 10 x 8 KiB would allow four.
inline constexpr long kQueueMessages = 4;
inline constexpr long kQueueMessageBytes = 8192;

// How long the kernel may go on refusing to pass descriptors because this user has too many in
// flight (ETOOMANYREFS, unix(7)) before the lane gives up, and how long a writer waits between two
// attempts: no event announces that some other process has read.
inline constexpr std::chrono::milliseconds kDescriptorsRefusedTime{1000};
inline constexpr std::chrono::milliseconds kDescriptorsRetryTime{2};

// ---- spinning

// How long a wait spins before it parks. Waking a halted CPU costs 20 to 45 us, so a wait that
// succeeds within this has saved at least as much as it burnt.
inline constexpr std::chrono::microseconds kSpinBudget{30};
// The same for Spin::kBusy: outlasts a peer that the scheduler put aside for a few time slices, and
// still lets an idle process sleep.
inline constexpr std::chrono::microseconds kBusySpinBudget{20'000};

}  // namespace ferry::limits
