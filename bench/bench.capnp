@0xb1d06f7a92c5e483;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bench");

interface Echo {
  echo @0 (data :Data) -> (data :Data);
}
