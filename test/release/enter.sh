#!/bin/sh
# enter.sh ROOT FILES NODE PACKAGES CACHE KUBECTL INSIDE ARGS…: runs INSIDE with ARGS in a copy of the Debian root ROOT that is
# gone afterwards with all that runs in it. For `unshare --mount --pid --fork --kill-child`, as root.
set -eu
root=$1 files=$2 node=$3 packages=$4 cache=$5 kubectl=$6 inside=$7
shift 7

mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$files"
mkdir "$files/upper" "$files/work" "$files/root"
mount -t overlay -o "lowerdir=$root,upperdir=$files/upper,workdir=$files/work" overlay "$files/root"
new=$files/root
mount -t proc proc "$new/proc"
mount --rbind /dev "$new/dev"
mount -t tmpfs -o mode=1777 tmpfs "$new/tmp"

# place FOLDER AT: shows a folder of this machine there.
place() {
  mkdir -p "$new$2"
  mount --bind "$1" "$new$2"
}
place "$node" /opt/node
place "$packages" /opt/packages
place "$cache" /opt/npm-cache
place "$kubectl" /opt/kubectl
cp "$inside" "$new/opt/inside.sh"
cp /etc/resolv.conf /etc/hosts "$new/etc/"
# Whom this machine trusts, where its registry needs that.
certificates=/etc/ssl/certs/ca-certificates.crt
[ ! -e "$certificates" ] || cp -L "$certificates" "$new/opt/certificates.crt"

exec chroot "$new" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  NPM_REGISTRY="${NPM_REGISTRY-}" sh /opt/inside.sh "$@"
