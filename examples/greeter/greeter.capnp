@0x9d3a55e0c1f7b286;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("demo");

interface Greeter {
  # Says hello to people.

  hello @0 (name :Text) -> (greeting :Text);
  # INVALID_ARGUMENT when `name` is empty.
}
