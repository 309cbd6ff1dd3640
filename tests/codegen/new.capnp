@0xe1d92b7f40a6c359;
# old.capnp, later: fields, an arm of a union and a method were added, names changed.
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
$Cxx.namespace("after");

struct Order {
  title @0 :Text;
  count @1 :UInt32 = 1;
  union { card @2 :Text; cash @3 :Void; voucher @4 :UInt64; }
  note @5 :Text = "none";
  tags @6 :List(Text) = ["new"];
  receipt @7 :Ferry.Fd $Ferry.optional;
}
interface Shop @0x9f0e6d5c4b3a2918 {
  purchase @0 Order -> (total :UInt32, currency :Text = "EUR");
  gone @1 () -> ();
  added @2 () -> ();
}
