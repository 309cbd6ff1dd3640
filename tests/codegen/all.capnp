@0xb93c4d0f7a21e685;
using Cxx = import "/capnp/c++.capnp";
using Ferry = import "/ferry/rpc.capnp";
using Shapes = import "shapes.capnp";
using Import = Shapes.Point;
$Cxx.namespace("all::inner");

struct Scalars {
  a @0 :Void;
  b @1 :Bool = true;
  c @2 :Int8 = -128;
  d @3 :Int16 = -5;
  e @4 :Int32 = -2147483648;
  f @5 :Int64 = -9223372036854775808;
  g @6 :UInt8 = 255;
  h @7 :UInt16 = 7;
  i @8 :UInt32 = 4294967295;
  j @9 :UInt64 = 18446744073709551615;
  k @10 :Float32 = -inf;
  l @11 :Float64 = nan;
  m @12 :Shapes.Color = red;
  n @13 :Text = "a\x00b";
  o @14 :Data = 0x"00 ff 10";
  p @15 :Float32 = 3;
  q @16 :Float64 = 1e300;
}

struct Lists {
  bools @0 :List(Bool) = [true, false];
  ints @1 :List(Int32) = [1, -2, 3];
  texts @2 :List(Text) = ["x", "yy"];
  datas @3 :List(Data);
  points @4 :List(Shapes.Point) = [(x = 1, y = 2)];
  nested @5 :List(List(Text));
  deep @6 :List(List(List(Int16)));
  colors @7 :List(Shapes.Color);
  voids @8 :List(Void);
  point @9 :Shapes.Point = (x = 7);
  shape @10 :Shapes.Shape = (name = "d", circle = 2);
}

struct Node {
  value @0 :Int32;
  next @1 :Node;
  children @2 :List(Node);
  union { left @3 :Node; right @4 :Node; stop @5 :Void; }
  inner :group { again @6 :Node; }
}
struct Ping { pong @0 :Pong; pongs @1 :List(Pong); }
struct Pong { ping @0 :Ping; pings @1 :List(Ping); }

struct Box(T) { value @0 :T; name @1 :Text; }
struct Pair(A, B) {
  first @0 :A; second @1 :B; 
  struct Inside { a @0 :A; text @1 :Text; box @2 :Box(B); points @3 :List(Shapes.Point); }
  inside @2 :Inside;
  union { left @3 :A; right @4 :B; mid :group { x @5 :A; y @6 :Int32; } }
}
struct Tree(T) { value @0 :T; kids @1 :List(Tree(T)); one @2 :Tree(T); boxes @3 :List(Box(T)); }
struct UsesBox { b @0 :Box(Text); p @1 :Pair(Shapes.Point, Box(Data)); f @2 :Box(Ferry.ReadOnlyFile); list @3 :List(Box(Text)); 
  rec @4 :Box(UsesBox); inside @5 :Pair(Text, Data).Inside; tree @6 :Tree(Shapes.Shape); lt @7 :Box(List(Int32)); }

interface SealedFrame extends(Ferry.Memory) $Ferry.fd(sealed = [write, shrink]) {}

struct Fds {
  any @0 :Ferry.Fd;
  file @1 :Ferry.ReadOnlyFile $Ferry.optional;
  list @2 :List(Ferry.File);
  maybe @3 :List(Ferry.Pipe) $Ferry.optional;
  union { frame @4 :SealedFrame; nothing @5 :Void; opt @6 :Ferry.Fd $Ferry.optional; entry @7 :Entry; }
  box @8 :Box(Ferry.Directory) $Ferry.fd(access = readable);
  nested @9 :List(List(Ferry.Fd));
}
struct Entry { name @0 :Text; file @1 :Ferry.File $Ferry.fd(access = readOnly); }
struct Raw { any @0 :AnyPointer; s @1 :AnyStruct; l @2 :AnyList; }
struct Empty {}

interface Base { 
  # The base.
  ping @0 (text :Text = "pong") -> (text :Text);
  # Pings.
  enum Mood { good @0; bad @1; }
  struct Stub { mood @0 :Mood = bad; }
  interface Service { stub @0 Stub -> Stub; }
}
interface Left extends(Base) { left @0 (a :Int32) -> (b :Int32); }
interface Right extends(Base) { right @0 () -> (); }
interface Diamond extends(Left, Right) { both @0 Shapes.Shape -> Lists; none @1 (); raw @2 Raw -> Raw; scalars @3 Scalars -> Scalars; 
   lists @4 Lists -> Lists; node @5 Node -> Node; boxes @6 UsesBox -> UsesBox; fds @7 Fds -> Fds; shape @8 Shapes.Shape -> Shapes.Shape;
   ping2 @9 Ping -> Pong; empty @10 Empty -> Empty $Ferry.idempotent; frame @11 (f :SealedFrame $Ferry.optional, g :List(Entry)) -> (f :SealedFrame, n :UInt32); }
interface Store(K, V) { get @0 (key :K) -> (value :V); put @1 Pair(K, V) -> Box(V); gen @2 [T] (x :T) -> (y :T); all @3 () -> (all :List(Box(V))); 
  inside @4 Pair(K, V).Inside -> Pair(Text, V).Inside; }
interface TextStore extends(Store(Text, Shapes.Point)) { count @0 () -> (n :UInt32); }
interface SubStore(T) extends(Store(T, Text)) { more @0 (t :T) -> (); }
interface Odd { class @0 (delete :Text, errno :Int32, linux :Bool, stdin :Text, in :Text, out :Text, where :Text, walker :Text, support :Text, decoder :Text, which :Text, int :UInt8) -> (this :Text, nullptr :Int8); 
  delete @1 (union :Text) -> (operator :Data); nonNull @2 (null :Text) -> (true :Bool); contextual @3 (params :Text, options :Text) -> (reply :Text); results @4 (); }
interface Stub { stub @0 (service :Text) -> (stub :Text); }
interface Service { service @0 (stub :Text) -> (service :Text); }
interface Renamed $Cxx.name("Zoo") { foo @0 (bar :Text $Cxx.name("baz")) -> () $Cxx.name("fooFoo"); }
