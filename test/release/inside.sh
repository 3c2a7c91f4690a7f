#!/bin/sh
# inside.sh INSTALLER PARTS OLD NEW: what happens to a person from the install to the last trace, on a bare Debian.
#   INSTALLER  root: `sudo npm install --global`, and ann works with it; ann: into a prefix of her own
#   PARTS      brought: the package's own native parts, no compiler; built: none in it, and a compiler; fallback: neither
#   OLD NEW    versions of the packages kubeguard-VERSION.tgz in /opt/packages
set -eu
installer=$1 parts=$2 old=$3 new=$4
passphrase='correct horse battery staple'
now=beginning
trap '[ $? -eq 0 ] || { echo "FAILED at: $now"; [ ! -e /opt/work/said ] || tail -n 40 /opt/work/said; }' EXIT

step() { now=$1; }
die() { echo "$1"; exit 1; }

mkdir /opt/work
useradd --create-home --shell /bin/bash ann
case $installer in
  root) prefix=/usr/local ;;
  ann) prefix=/home/ann/.npm-global ;;
esac
home=/home/ann
shims=$home/.local/share/kubeguard/shims
path=$shims:$prefix/bin:/opt/node/node_modules/.bin:/opt/kubectl:/usr/local/bin:/usr/bin:/bin

# as WHO COMMAND…: with nothing of anybody's environment.
as() {
  who=$1
  shift
  certificates=/opt/certificates.crt
  [ -e "$certificates" ] || certificates=
  own_home=/root
  [ "$who" = root ] || own_home=/home/$who
  setpriv --reuid="$who" --regid="$who" --clear-groups env -i HOME="$own_home" USER="$who" SHELL=/bin/bash LANG=C.UTF-8 \
    TERM=dumb PATH="$path" KUBECONFIG="$home/.kube/config" npm_config_cache=/opt/npm-cache npm_config_prefix="$prefix" \
    npm_config_prefer_offline=true npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false \
    ${NPM_REGISTRY:+npm_config_registry="$NPM_REGISTRY"} ${certificates:+npm_config_cafile="$certificates"} \
    ${certificates:+NODE_EXTRA_CA_CERTS="$certificates"} sh -c 'cd && exec "$@"' sh "$@"
}

# ann COMMAND…: as she types it; what it said is in /opt/work/said.
ann() { as ann "$@" >/opt/work/said 2>&1; }
# ann_open COMMAND…: likewise, with the passphrase on descriptor 3.
ann_open() {
  printf %s "$passphrase" >/opt/work/passphrase
  as ann "$@" --passphrase-fd 3 3</opt/work/passphrase >/opt/work/said 2>&1
}
# ends_with CODE COMMAND…
ends_with() {
  wanted=$1 code=0
  shift
  ann "$@" || code=$?
  [ "$code" -eq "$wanted" ] || die "$* ended with $code, not $wanted"
}
said() { grep -q -- "$1" /opt/work/said || die "it does not say: $1"; }

# pid_of TEXT: of a process whose command line has it.
pid_of() {
  for one in /proc/[0-9]*; do
    tr '\0' ' ' 2>/dev/null <"$one/cmdline" | grep -q -- "$1" && echo "${one#/proc/}" && return 0
  done
  return 1
}

# What lies where anything of ours could: names, kinds, owners, modes and contents. The caches are kubectl's and npm's own.
traces() {
  set -- /home /root /usr/local /etc /var /run /srv /tmp -xdev \( -path "$home/.kube/cache" -o -path /tmp/node-compile-cache \) -prune -o
  find "$@" -printf '%p %y %m %u %l\n' | sort
  find "$@" -type f -exec sha256sum {} + | sort -k 2
}

install_package() {
  as "$installer" npm install --global "/opt/packages/kubeguard-$1.tgz" >/opt/work/said 2>&1
  [ "$(as ann kubeguard --version)" = "$1" ] || die "kubeguard --version does not say $1"
  [ "$(as root kubeguard --version)" = "$1" ] || die "as root, kubeguard --version does not say $1"
}

root=$prefix/lib/node_modules/kubeguard
native=$root/dist/native/kubeguard-native

# Is what stands behind the shim as it should be, and does doctor say so? Mends as doctor says where scripts were blocked.
check_parts() {
  if [ "$parts" = built ] && [ ! -e "$native" ]; then
    # npm ran no script, and the package is not hers: closed until somebody does what doctor says.
    ! as ann kubectl get pods >/dev/null 2>&1 || die 'kubectl went through a lock'
    ann kubeguard doctor || true
    said 'run as root: '
    as root sh -c "$(sed -n 's/^ *run as root: \(.*\); then: kubeguard init$/\1/p' /opt/work/said | head -n 1)" >/dev/null
    [ -x "$native" ] || die 'what doctor says builds nothing'
    ann_open kubeguard init --yes
  fi
  ann kubeguard doctor --json || true
  if [ "$parts" = fallback ]; then
    said no-native
    [ "$(readlink "$shims/kubectl")" = "$root/bin/kubectl" ] || die 'the shim is not the fallback'
  else
    ! grep -q no-native /opt/work/said || die 'doctor finds no native parts'
    [ "$(readlink "$shims/kubectl")" = "$native" ] || die 'the shim is not the native one'
  fi
}

lock_and_unlock() {
  ends_with 77 kubectl get pods
  said 'is locked'
  ann_open kubeguard unlock --all
  ends_with 0 kubectl get pods
  said Running
  ends_with 0 kubeguard lock
  ends_with 77 kubectl get pods
  # Past the shim: the wall.
  ! as ann /opt/kubectl/kubectl get pods >/opt/work/said 2>&1 || die 'the real kubectl went through a lock'
}

step 'before the install'
as "$installer" mkdir -p "$prefix/bin" "$prefix/lib/node_modules" "$prefix/share/man/man1"
as ann mkdir "$home/.kube"
chown -R "$installer" /opt/npm-cache
traces >/opt/work/before

step 'the install'
install_package "$old"
[ "$parts" = brought ] || [ "$parts" = built ] || [ ! -e "$native" ] || die 'there are native parts without a compiler'

step 'a machine without libatomic'
library=$(readlink -f /usr/lib/x86_64-linux-gnu/libatomic.so.1)
mv "$library" "$library.away"
ends_with 75 kubeguard --version
said libatomic1
mv "$library.away" "$library"

step 'the playground'
as ann kubeguard playground serve --kubeconfig "$home/.kube/config" >/opt/work/playground 2>&1 &
tries=0
until [ -e "$home/.kube/config" ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 600 ] || die "no playground: $(cat /opt/work/playground)"
  sleep 0.1
done
cp "$home/.kube/config" /opt/work/kubeconfig
ends_with 0 /opt/kubectl/kubectl get pods

step 'the set-up'
ann_open kubeguard init --yes
said 'adopted'
check_parts
step 'lock and unlock'
lock_and_unlock

step 'the upgrade'
ann kubeguard log --json
cp /opt/work/said /opt/work/journal
install_package "$new"
check_parts
step 'lock and unlock after the upgrade'
lock_and_unlock
step 'the journal after the upgrade'
ends_with 0 kubeguard log verify
ann kubeguard log --json
while read -r line; do grep -qF -- "$line" /opt/work/said || die "the journal lost: $line"; done </opt/work/journal
ann kubeguard daemon status --json
said "$new"

step 'the uninstall'
ann_open kubeguard uninstall --yes
said 'as before, line by line'
cmp /opt/work/kubeconfig "$home/.kube/config" || die 'the kubeconfig is not as it was'
ends_with 0 /opt/kubectl/kubectl get pods
as "$installer" npm uninstall --global kubeguard >/opt/work/said 2>&1

step 'what is left'
while playground=$(pid_of playground.cjs); do
  kill "$playground" 2>/dev/null || true
  sleep 0.1
done
rm "$home/.kube/config"
traces >/opt/work/after
diff /opt/work/before /opt/work/after >/opt/work/traces || {
  head -n 20 /opt/work/traces
  die 'there are traces'
}
for process in /proc/[0-9]*; do
  grep -qs '^State:.*[ZX]' "$process/status" && continue
  case ${process#/proc/} in
    1 | "$$") ;;
    *) [ "$(stat -c %U "$process" 2>/dev/null)" != ann ] || die "still runs: $(tr '\0' ' ' <"$process/cmdline")" ;;
  esac
done
echo good
