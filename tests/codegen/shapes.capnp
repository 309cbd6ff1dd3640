@0xd2f1a7be09c3e5f4;
# Types that another schema uses.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("shapes");

enum Color {
  # A colour.
  red @0;    # like blood
  green @1;
  null @2;
}

struct Point {
  # A point of the plane.
  x @0 :Float64;  # across
  y @1 :Float64;  # up
}

struct Shape {
  name @0 :Text = "un\"nam\\ed??/";
  color @1 :Color = green;
  union {
    none @2 :Void;
    circle @3 :Float64 = 1.5;
    polygon @4 :List(Point);
    box :group {
      low @5 :Point;
      high @6 :Point;
    }
    label @7 :Text;
  }
  area :union {
    unknown @8 :Void;
    exact @9 :Float32;
    range :group {
      least @10 :Float32;
      most @11 :Float32 = inf;
    }
  }
}
