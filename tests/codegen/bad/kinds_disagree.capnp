@0xc00000000000000e;
# expect: kinds_disagree.capnp: Odd: $fd wants a socket, what it adds to wants a directory
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Odd extends(Ferry.Directory) $Ferry.fd(kind = socket) {}
