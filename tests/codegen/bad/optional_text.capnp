@0xc000000000000011;
# expect: optional_text.capnp: Files.open.path: $optional stands on what is no Fd
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Files { open @0 (path :Text $Ferry.optional) -> (); }
