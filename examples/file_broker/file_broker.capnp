@0xc9e51d8f02ab7634;

using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
$Cxx.namespace("demo");

struct Entry {
  name @0 :Text;
  file @1 :Ferry.ReadOnlyFile;
}

interface FileBroker {
  # Opens files beneath one directory for clients that may not open them themselves.

  open @0 (path :Text) -> (file :Ferry.ReadOnlyFile);
  # The file at `path` beneath the server's directory. PERMISSION_DENIED for a path that leaves it, by
  # "..", an absolute path or a symbolic link.

  fill @1 (path :Text, into :Ferry.Memory) -> (bytes :UInt64);
  # Copies the file into the client's memfd and says how much it was.

  openAll @2 (directory :Text) -> (entries :List(Entry));
  # Every regular file directly in `directory`, by name.
}
