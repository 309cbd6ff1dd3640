@0xc000000000000003;
# expect: interface_parameter.capnp: Files.watch.sink: is of interface Sink: only Fd, and interfaces that extend it, can be passed
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Sink {}
interface Files { watch @0 (sink :Sink) -> (); }
