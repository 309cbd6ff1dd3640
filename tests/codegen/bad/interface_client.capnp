@0xc000000000000021;
# expect: interface_client.capnp: Client: capnpc-c++ has a class of this name there: use $Cxx.name
interface Client { open @0 () -> (); }
