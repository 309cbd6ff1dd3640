@0xc0f6d4b1a2937e58;

using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
$Cxx.namespace("outside");

interface Teller {
  tell @0 (name :Text, file :Ferry.ReadOnlyFile) -> (told :Text);
  # Reads `file` and tells `name` what stands in it.
}
