// A client that reads files it may not open itself:
//   file_broker_client --target=unix:/tmp/broker.sock --read=reports/may.txt
#include <gflags/gflags.h>

#include "read_through.h"

DEFINE_string(target, "auto:file_broker", "where the server is, as unix:/run/broker.sock");
DEFINE_string(read, "reports/may.txt", "the file to read, beneath the server's directory");
DEFINE_uint64(calls, 1, "how many times to open it");

int main(int argc, char** argv) {
  gflags::SetUsageMessage(
      "reads a file through a file_broker_server; as root, drops its rights first");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return ferry::exit_code(broker::read_through(FLAGS_target, FLAGS_read, FLAGS_calls));
}
