@0xc000000000000008;
# expect: interface_argument.capnp: Files.add.box: is of interface Sink: only Fd, and interfaces that extend it, can be passed
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Sink {}
struct Box(T) { value @0 :T; }
interface Files { add @0 (box :Box(Sink)) -> (); }
