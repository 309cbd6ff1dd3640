@0xe3a7d20c6f1b5a94;
# What a schema imports to use ferry: the descriptor types and the annotations.
#
#   using Ferry = import "/ferry/rpc.capnp";

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("ferry::rpc");

# ---- Descriptors

interface Fd {}
# A file descriptor: an argument type like any other. It may stand anywhere a value may. A null one is
# refused unless its field is marked $optional.

enum FdKind {
  any @0;        # whatever fstat says
  file @1;       # a regular file, a memfd included
  directory @2;
  socket @3;
  pipe @4;       # a pipe or FIFO
  memfd @5;      # a memfd: the only regular file that can have seals
  eventfd @6;
  device @7;     # a character or block device
}

enum FdAccess {
  any @0;
  readOnly @1;   # F_GETFL says O_RDONLY. Stops writing through the descriptor, not a reopening of the
                 # file through /proc by a process that may open the file itself
  writeOnly @2;
  readWrite @3;
  readable @4;   # O_RDONLY or O_RDWR
  writable @5;   # O_WRONLY or O_RDWR
}

enum FdSeal {
  seal @0;
  shrink @1;
  grow @2;
  write @3;
  futureWrite @4;
}

struct FdRule {
  kind @0 :FdKind = any;
  access @1 :FdAccess = any;
  sealed @2 :List(FdSeal);   # seals that must be there (F_GET_SEALS); more may be
}

annotation fd @0xb1f2a6d0c3e84f17 (interface, field, param) :FdRule;
# What a descriptor must be, checked before it is sent and before the handler runs. On an interface that
# extends Fd it is part of the type and holds everywhere the type stands; on a field it applies to every
# Fd within.

annotation optional @0xc8d5e19f07b3a264 (field, param) :Void;
# The field's Fd may be null. In C++ a received one is then a std::optional.

interface File extends(Fd) $fd(kind = file) {}
interface ReadOnlyFile extends(Fd) $fd(kind = file, access = readOnly) {}
interface Directory extends(Fd) $fd(kind = directory) {}
interface Socket extends(Fd) $fd(kind = socket) {}
interface Pipe extends(Fd) $fd(kind = pipe) {}
interface EventFd extends(Fd) $fd(kind = eventfd) {}
interface Device extends(Fd) $fd(kind = device) {}
interface Memory extends(Fd) $fd(kind = memfd) {}
# A memfd, whatever its seals: to be filled by the receiver, say.
interface SealedMemory extends(Fd) $fd(kind = memfd, sealed = [shrink, grow, write]) {}
# A memfd whose content and size can no longer change: may be read in place.

# ---- Methods

enum StreamKind {
  request @0;
  response @1;
  both @2;
}

annotation stream @0xa94be7315cd0f826 (method) :StreamKind;
# The parameters, the results or both are a stream of such messages.

annotation idempotent @0xd60c98ab24f7e153 (method) :Void;
# Calling twice does what calling once does: may be retried when a connection dies.
