@0xc00000000000001b;
# expect: imported_interface.capnp: Files.add: Deep in it holds an interface
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
using Lib = import "lib/with_interface.capnp";
interface Files { add @0 (deep :Lib.Deep) -> (); }
