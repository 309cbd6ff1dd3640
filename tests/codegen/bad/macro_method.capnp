@0xc000000000000015;
# expect: macro_method.capnp: Files.assert: capnpc-c++ calls it assert, which is a macro: give it another name with $Cxx.name
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Files { assert @0 () -> (); }
