#!/bin/sh
# Starts voxtwirl from this folder, with the Node that lies in it: ./run.sh doctor
case $0 in */*) here=${0%/*} ;; *) here=. ;; esac
here=$(CDPATH='' cd -- "$here" && pwd) || exit 1
node=$here/bin/node

# The host's C++ library where it will do, ours (of lib/cxx) where there is none.
if ! "$node" -e 0 2>/dev/null; then
  LD_LIBRARY_PATH=$here/lib/cxx${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export LD_LIBRARY_PATH
  if ! "$node" -e 0; then
    echo "voxtwirl: Node does not start on this machine, for the reason above; README says what it needs." >&2
    exit 1
  fi
fi
assignments=$("$node" "$here/environment.mjs") || exit 1
eval "$assignments"
exec "$node" "$here/dist/voxtwirl.js" "$@"
