@0xf0b7f0f3cf5d1c8e;

using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
$Cxx.namespace("ferry::testing");

struct Entry {
  name @0 :Text;
  file @1 :Ferry.ReadOnlyFile;
}

struct Box(T) {
  value @0 :T;
}

# Descriptors in every place where one may stand.
struct Parcel {
  name @0 :Text;
  file @1 :Ferry.Fd;
  files @2 :List(Ferry.Fd);
  rows @3 :List(List(Ferry.Fd));
  entries @4 :List(Entry);
  box @5 :Box(Ferry.Memory);
  anything @6 :AnyPointer;
  # `right` shares the first pointer of `left`, so `left.file` stays in the message when `right` is set.
  union {
    none @7 :Void;
    left :group {
      note @8 :Text;
      file @9 :Ferry.Fd;
    }
    right @10 :Text;
  }
  data @11 :Data;
}

struct Small {
  text @0 :Text;
  other @1 :Text;
  number @2 :UInt64;
}

struct Node {
  value @0 :UInt32;
  next @1 :Node;
}
