@0xc00000000000000a;
# expect: rule_on_text.capnp: Entry.name: $fd stands on what holds no Fd
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
struct Entry { name @0 :Text $Ferry.fd(kind = file); }
