@0xa5d1f0c2b3e49687;
# No namespace, and names that a careless generator would trip over.

using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
using All = import "all.capnp";

const answer :UInt32 = 42;
annotation note(field) :Text;

struct View { plain @0 :Plain; view @1 :List(View); }
struct Plain { stub @0 :Text $note("n"); status @1 :Status; }
enum Status { ok @0; kDone @1; }
struct Result(Value) { value @0 :Value; result @1 :Result(Value); error @2 :Text; }
struct Codec { union { view :group { view @0 :Text; } plain @1 :Result(Text); codec @2 :List(Codec); fd @3 :Ferry.Fd; } }
struct Channel {
  struct Server {
    struct Lane {
      interface Peer { call @0 (lane :Lane) -> Lane; send @1 Channel.Server -> (channel :Channel); }
      name @0 :Text;
    }
    lane @0 :Lane;
    lanes @1 :List(Lane);
  }
  server @0 :Server;
  shared @1 :All.Box(Server.Lane);
}
interface Service {
  instance @0 (channel :Text, options :Text, params :Text) -> (reply :Text);
  call @1 (method :Text, request :Text, interfaceId :UInt64, ordinal :UInt16) -> (context :Text);
  size @2 (size :UInt64, client :Ferry.Fd $Ferry.optional, when :Bool) -> (that :View);
  codec @3 Codec -> Codec;
  result @4 Result(Text) -> Result(View);
  channels @5 Channel -> Channel;
  methodWithNothing @6 ();
  mine @7 (kj :Text, std :Text, ferry :Text, capnp :Text, support :Text, client :Text, arms :Color) -> ();
  enum Color { void @0; int @1; }
}
interface Uses extends(Service, All.Stub) {}
interface Empty {}
struct Many { a @0 :List(List(Ferry.Fd)) $Ferry.optional; b @1 :List(Service.Color); c @2 :List(List(Codec)); 
  d :group { e @3 :Void; } f @4 :AnyList; }
