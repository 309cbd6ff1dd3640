@0xc000000000000009;
# expect: capability.capnp: Files.add.any: is of interface Capability: only Fd, and interfaces that extend it, can be passed
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Files { add @0 (any :Capability) -> (); }
