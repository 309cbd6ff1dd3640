@0xc00000000000001a;
# expect: import_cycle.capnp: imports a file that imports this one and uses its types: the headers that capnpc-c++ writes can't include each other
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
using Other = import "lib/cycle_back.capnp";
struct Here { there @0 :Other.There; }
