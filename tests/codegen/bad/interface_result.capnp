@0xc000000000000004;
# expect: interface_result.capnp: Files.open.file: is of interface Files: only Fd, and interfaces that extend it, can be passed
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Files { open @0 () -> (file :Files); }
