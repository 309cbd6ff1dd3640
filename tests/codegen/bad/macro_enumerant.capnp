@0xc000000000000014;
# expect: macro_enumerant.capnp: Color.eof: capnpc-c++ calls it EOF, which is a macro: give it another name with $Cxx.name
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
enum Color { eof @0; }
