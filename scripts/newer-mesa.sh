#!/usr/bin/env bash
# Runs a command with the lavapipe of Mesa 26, which has subgroup matrices (VK_KHR_cooperative_matrix) where the one of
# Debian 12's backports has none:
#
#   scripts/newer-mesa.sh node node_modules/vitest/vitest.mjs run test/kernels
#
# On Debian, as root. The first time it makes a Debian 13 with that driver in a folder (800 MB; VOXTWIRL_MESA_ROOT, or
# .cache/newer-mesa), from the mirror that this machine's apt uses. The command runs there, with this project's folder,
# Node as it is here, and in a mount namespace of its own: nothing else of this machine changes.
set -euo pipefail

readonly RELEASE=trixie
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=${VOXTWIRL_MESA_ROOT:-$project/.cache/newer-mesa}

fail() {
  echo "newer-mesa: $1" >&2
  exit 1
}

# The address that apt fetches Debian's main archive from.
mirror() {
  apt-get indextargets --format '$(SITE) $(REPO_URI) $(COMPONENT) $(CREATED_BY)' 2>/dev/null |
    awk '$3 == "main" && $2 !~ /security/ && $2 ~ /debian\/?$/ { print $2; exit }'
}

make_root() {
  local from partial=$root.partial.$$
  from=$(mirror)
  [[ -n $from ]] || fail "apt names no mirror of Debian's archive"
  export DEBIAN_FRONTEND=noninteractive
  command -v debootstrap >/dev/null || apt-get install -qq -y --no-install-recommends debootstrap >/dev/null
  rm -rf "$partial"
  mkdir -p "$(dirname "$root")"
  debootstrap --variant=minbase "$RELEASE" "$partial" "$from" >/dev/null
  echo "deb $from $RELEASE-backports main" >>"$partial/etc/apt/sources.list"
  cp /etc/resolv.conf /etc/hosts "$partial/etc/"
  cp /etc/apt/apt.conf.d/*proxy* "$partial/etc/apt/apt.conf.d/" 2>/dev/null || true
  local packages="libvulkan1 mesa-vulkan-drivers libatomic1"
  inside "$partial" sh -c "apt-get update -qq &&
    apt-get install -qq -y --no-install-recommends -t $RELEASE-backports $packages" >/dev/null
  # Another run may have been sooner.
  if [[ -d $root ]]; then rm -rf "$partial"; else mv "$partial" "$root"; fi
}

# A command in a root, where /proc and /dev are this machine's and the project lies where it lies here.
inside() {
  local folder=$1
  shift
  mkdir -p "$folder$project"
  unshare --mount -- sh -ec '
    mount --bind /proc "$1/proc"
    mount --rbind /dev "$1/dev"
    mount --bind "$2" "$1$2"
    folder=$1 project=$2
    shift 2
    exec chroot "$folder" env --chdir "$project" "$@"
  ' sh "$folder" "$project" "$@"
}

[[ $# -gt 0 ]] || fail "give the command to run"
[[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || fail "this needs Debian, and root"
[[ -d $root ]] || make_root
# A Node that another run is using cannot be written over.
node=$(readlink -f "$(command -v node)")
cmp -s "$node" "$root/usr/local/bin/node" || cp --remove-destination "$node" "$root/usr/local/bin/node"
inside "$root" env -u NODE_EXTRA_CA_CERTS LANG=C.UTF-8 "$@"
