@0xd1c24f87a6b3e950;
# What the two ends of a connection tell each other before the first call: docs/wire_protocol.md.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ferry::support::wire");

struct Greeting {
  messageBytes @0 :UInt64;    # the largest message this end accepts
  windowBytes @1 :UInt32;     # bytes of messages it accepts before it has given credit
  callsInFlight @2 :UInt32;   # calls it accepts at a time
  services @3 :List(Service);
}

struct Service {
  instance @0 :UInt32;         # its id in CALL frames; never 0
  name @1 :Text;               # empty for the only one of its interface
  interfaceName @2 :Text;      # of the first of `interfaces`, for people
  interfaces @3 :List(UInt64); # type ids: its own interface first, then all it extends
}
