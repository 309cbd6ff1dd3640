@0xc000000000000022;
# expect: namespace_ferry.capnp: the C++ namespace ferry is ferry's own: choose another
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ferry");
struct Status { text @0 :Text; }
