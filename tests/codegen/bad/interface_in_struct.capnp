@0xc000000000000006;
# expect: interface_in_struct.capnp: Entry.sink: is of interface Sink: only Fd, and interfaces that extend it, can be passed
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Sink {}
struct Entry { sink @0 :Sink; }
interface Files { add @0 Entry -> (); }
