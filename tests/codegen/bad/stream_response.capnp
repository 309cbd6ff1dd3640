@0xc000000000000001;
# expect: stream_response.capnp: Files.watch: streaming methods are not supported by this version of capnpc-ferry
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Files { watch @0 (path :Text) -> (line :Text) $Ferry.stream(response); }
