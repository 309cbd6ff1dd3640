@0xc00000000000000b;
# expect: rule_on_interface.capnp: Files: $fd stands on an interface that does not extend Fd
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
interface Files $Ferry.fd(kind = file) {}
