@0xc000000000000005;
# expect: interface_list.capnp: Files.all.sinks: is of interface Sink: only Fd, and interfaces that extend it, can be passed
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Sink {}
interface Files { all @0 (sinks :List(Sink)) -> (); }
