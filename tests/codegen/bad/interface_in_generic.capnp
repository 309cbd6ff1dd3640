@0xc000000000000018;
# expect: interface_in_generic.capnp: Box.Files: an interface inside a generic scope: declare it outside
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
struct Box(T) { value @0 :T; interface Files { open @0 (t :T) -> (); } }
