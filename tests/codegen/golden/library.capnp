@0xc0000000000000a2;
# One of everything that shapes the text.

using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
$Cxx.namespace("golden");

enum Genre {
  # What a book is about.
  novel @0;  # invented
  essay @1;
}

interface Scan extends(Ferry.Memory) $Ferry.fd(sealed = [write]) {}
# A scanned book.

struct Book {
  # A book.
  title @0 :Text;  # as printed
  genre @1 :Genre = essay;
  pages @2 :List(UInt32) = [1, 2];
  sequel @3 :Book;
  union {
    lent :group { to @4 :Text; days @5 :UInt16 = 14; }
    here @6 :Void;
    scan @7 :Scan;
  }
  cover @8 :Ferry.File $Ferry.fd(access = readOnly) $Ferry.optional;
}

struct Box(T) { value @0 :T; }

interface Shelf {
  find @0 (title :Text) -> (books :List(Book)) $Ferry.idempotent;
  pack @1 Box(Book) -> Box(Text);
}
interface Library extends(Shelf) {
  delete @0 (errno :Int32);
  raw @1 (any :AnyPointer) -> ();
}
interface Store(K, V) extends(Shelf) { get @0 (key :K) -> Box(V); }
