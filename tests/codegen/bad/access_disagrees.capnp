@0xc00000000000000f;
# expect: access_disagrees.capnp: Entry.file: $fd wants writable, what it adds to wants readOnly
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
struct Entry { file @0 :Ferry.ReadOnlyFile $Ferry.fd(access = writable); }
