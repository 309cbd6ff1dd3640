@0xc000000000000002;
# expect: stream_capnp.capnp: Files.put: streaming methods are not supported by this version of capnpc-ferry
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Files { put @0 (line :Text) -> stream; }
