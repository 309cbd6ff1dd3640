@0xc000000000000101;
using Back = import "../import_cycle.capnp";
struct There { here @0 :Back.Here; }
