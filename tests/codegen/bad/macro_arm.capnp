@0xc000000000000013;
# expect: macro_arm.capnp: Shape.eof: capnpc-c++ calls it EOF, which is a macro: give it another name with $Cxx.name
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
struct Shape { union { eof @0 :Void; text @1 :Text; } }
