# Sourced by tests/run and examples/run: what a machine needs to build ferry.
#
#   ferry_setup PACKAGE...   makes sure that these Debian packages are there. Installs what is
#                            missing with apt, as root or through sudo; where that can't be, says
#                            what to install and fails. Touches nothing when all are there.
#   ferry_cpus               how many processors we may use.
#   ferry_use_ccache         makes CMake use ccache, where it is installed.

# What building needs, what the tests need on top, and what the tests use only when it is there.
FERRY_BUILD_PACKAGES="g++ cmake ninja-build pkg-config capnproto libcapnp-dev libuv1-dev libgflags-dev"
FERRY_TEST_PACKAGES="libgtest-dev strace"

ferry_missing() {
  for package in "$@"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=
    # pkgconf stands in for pkg-config on Debian 12 and later.
    if [ "$package" = pkg-config ] && [ "$state" != installed ] && command -v pkg-config >/dev/null; then
      state=installed
    fi
    [ "$state" = installed ] || printf '%s ' "$package"
  done
}

ferry_setup() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "not a Debian system: assuming the counterparts of these packages are installed: $*" >&2
    return 0
  fi
  missing=$(ferry_missing "$@")
  [ -n "$missing" ] || return 0
  as_root=
  if [ "$(id -u)" != 0 ]; then
    # With nobody to type a password, only a sudo that asks for none will do.
    if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
      as_root=sudo
    else
      echo "missing packages, and neither root nor sudo to install them. As root, run:" >&2
      echo "  apt-get install $missing" >&2
      return 1
    fi
  fi
  echo "installing: $missing" >&2
  # Unquoted on purpose: a list of words.
  if ! { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
         $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
           --no-install-recommends $missing; } >&2; then
    echo "apt could not install: $missing" >&2
    return 1
  fi
}

ferry_cpus() { nproc 2>/dev/null || echo 1; }

ferry_use_ccache() {
  if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
  fi
}
