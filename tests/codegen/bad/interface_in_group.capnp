@0xc000000000000007;
# expect: interface_in_group.capnp: Entry.part.sink: is of interface Sink: only Fd, and interfaces that extend it, can be passed
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Sink {}
struct Entry { part :group { sink @0 :Sink; } }
