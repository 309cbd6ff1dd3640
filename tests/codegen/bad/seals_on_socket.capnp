@0xc00000000000000d;
# expect: seals_on_socket.capnp: Odd: $fd wants seals on a socket: only a memfd has them
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Odd extends(Ferry.Fd) $Ferry.fd(kind = socket, sealed = [write]) {}
