// A client that reads files it may not open itself:
//   file_broker_client --target=unix:/tmp/broker.sock --read=reports/may.txt
#include <gflags/gflags.h>

#include "examples/flags.h"
#include "read_through.h"

DEFINE_string(target, "auto:file_broker", "where the server is, as unix:/run/broker.sock");
DEFINE_string(read, "reports/may.txt", "the file to read, beneath the server's directory");
DEFINE_uint64(calls, 1, "how many times to open it, at least 1");

int main(int argc, char** argv) {
  examples::parse_flags(
      argc, argv, "Reads a file through a file_broker_server; as root, drops its rights first.",
      {"file_broker_client --target=unix:/tmp/broker.sock --read=reports/may.txt",
       "file_broker_client --target=auto:/tmp/broker.sock --read=reports/may.txt --calls=1000"});
  if (FLAGS_calls == 0) return examples::usage_error("--calls=0: at least one call");
  return ferry::exit_code(broker::read_through(FLAGS_target, FLAGS_read, FLAGS_calls));
}
