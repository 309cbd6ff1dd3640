@0xd7f1a90c3e52b648;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("cost");

interface Texts {

  repeat @0 (text :Text) -> (text :Text);
}
