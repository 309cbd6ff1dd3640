@0xc000000000000017;
# expect: hidden_method.capnp: Derived.open: an interface it extends, Base, has a method of this name
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Base { open @0 () -> (); }
interface Derived extends(Base) { open @0 (path :Text) -> (); }
