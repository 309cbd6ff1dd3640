@0xc000000000000010;
# expect: writable_directory.capnp: Odd: $fd wants a directory that is writeOnly: a directory can only be opened for reading
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Odd extends(Ferry.Fd) $Ferry.fd(kind = directory, access = writeOnly) {}
