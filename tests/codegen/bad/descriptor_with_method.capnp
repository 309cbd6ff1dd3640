@0xc000000000000012;
# expect: descriptor_with_method.capnp: Odd.read: a descriptor type has no methods
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Odd extends(Ferry.Fd) { read @0 () -> (); }
