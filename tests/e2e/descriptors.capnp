@0xf3a8c60b925d1e74;

using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
$Cxx.namespace("e2e");

struct Named {
  name @0 :Text;
  file @1 :Ferry.File;
}

struct Either {
  union {
    nothing @0 :Void;
    pipe @1 :Ferry.Pipe;
    named @2 :Named;
  }
}

interface Descriptors {
  # Descriptors in every place of a message, there and back.
  swap @0 (one :Ferry.Fd, body :Data, two :Ferry.Fd) -> (two :Ferry.Fd, body :Data, one :Ferry.Fd);
  list @1 (files :List(Named)) -> (files :List(Named));
  either @2 (value :Either) -> (value :Either);
  maybe @3 (file :Ferry.Fd $Ferry.optional) -> (file :Ferry.Fd $Ferry.optional);
  # Rules.
  file @4 (file :Ferry.ReadOnlyFile) -> ();
  sealed @5 (memory :Ferry.SealedMemory) -> ();
  badReply @6 () -> (file :Ferry.Directory);
  # More than were sent.
  several @7 () -> (files :List(Named));
}
