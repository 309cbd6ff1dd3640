@0xb6a1f0c7d2e94835;
# Bodies of the records that set a connection up; docs/handshake.md specifies them.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ferry::transports::wire");

struct Hello {
  # Client, first record. This struct only grows: every version can read every other's.
  minVersion @0 :UInt16;       # versions of the protocol the client speaks
  maxVersion @1 :UInt16;
  transports @2 :List(Text);   # most wanted first
  trust @3 :Trust;             # what the client trusts the server with
  greeting @4 :Data;
}

enum Trust {
  hostile @0;
  sameUser @1;
  full @2;
}

struct Skipped {
  transport @0 :Text;
  code @1 :UInt16;             # a canonical status code
  reason @2 :Text;
}

struct Offer {
  version @0 :UInt16;          # that both speak from here on
  transport @1 :Text;
  parameter @2 :UInt64;
  trust @3 :Trust;             # the lower of both sides'; what the lane was made for
  greeting @4 :Data;
  skipped @5 :List(Skipped);   # in the client's order
}

struct Reject {
  # Client: could not make its half; the server goes on to the next.
  code @0 :UInt16;
  reason @1 :Text;
}

struct Refuse {
  # Server: there will be no connection. This struct only grows.
  code @0 :UInt16;
  reason @1 :Text;
  skipped @2 :List(Skipped);
  minVersion @3 :UInt16;       # versions the server speaks
  maxVersion @4 :UInt16;
}
