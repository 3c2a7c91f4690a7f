# shellcheck shell=sh
# Read by the launchers beside it where something that they run may be missing: says how to get it and ends, or returns where
# all is there. $node is the runtime, $bundle what it would run.
: "${root:?}" "${node:?}" "${bundle:?}"
if [ ! -x "$node" ] || [ ! -r "$bundle" ]; then
  if [ -e "$root/scripts/setup.mjs" ]; then
    echo "kubeguard: not set up; run: npm start, in $root" >&2
  else
    echo "kubeguard: this installation is not whole, its runtime or its programs are missing in $root" >&2
    echo "run: npm install --global --include=optional kubeguard" >&2
  fi
  exit 75
fi
for library in /usr/lib64 /usr/lib/aarch64-linux-gnu /usr/lib; do
  [ ! -e "$library/libatomic.so.1" ] || return 0
done
# Elsewhere, or not at all: a machine without it says nothing that helps.
if ! "$node" --version >/dev/null 2>&1; then
  echo "kubeguard: its runtime does not start: $("$node" --version 2>&1)" >&2
  echo "install the missing library (Debian, Ubuntu: apt-get install libatomic1; Fedora: dnf install libatomic)" >&2
  exit 75
fi
