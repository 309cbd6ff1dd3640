@0xc000000000000016;
# expect: method_context.capnp: Files.context: capnpc-c++ writes text for a method of this name that does not compile: give it another name with $Cxx.name
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Files { context @0 () -> (); }
