@0xc0000000000000a3;
# With FERRY_SKIP_REFUSED=1 only what can be done is left.

using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
$Cxx.namespace("golden");

interface Sink { put @0 (line :Text) -> stream; }
interface Files {
  open @0 (path :Text) -> (file :Ferry.File);
  watch @1 (sink :Sink) -> ();
  tail @2 (path :Text) -> (line :Text) $Ferry.stream(response);
  close @3 ();
}
