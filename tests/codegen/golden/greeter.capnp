@0xc0000000000000a1;
# The smallest service.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("golden");

interface Greeter {
  # Says hello to people.

  hello @0 (name :Text = "you") -> (greeting :Text);
  # Never fails.
}
