@0xc000000000000019;
# expect: two_problems.capnp: Files.watch: streaming methods are not supported by this version of capnpc-ferry
# expect: two_problems.capnp: Files.add.sink: is of interface Files: only Fd, and interfaces that extend it, can be passed
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Files { watch @0 () -> stream; add @1 (sink :Files) -> (); }
