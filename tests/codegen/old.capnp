@0xe1d92b7f40a6c358;
# A schema as it was; new.capnp is what became of it.
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("before");

struct Order {
  name @0 :Text;
  count @1 :UInt32 = 1;
  union { card @2 :Text; cash @3 :Void; }
}
interface Shop @0x9f0e6d5c4b3a2918 { buy @0 Order -> (total :UInt32); gone @1 () -> (); }
