# shellcheck shell=bash
# Put this into ~/.bashrc:   source /path/to/kubeguard.bash      (kubeguard init does it for you)
#
# Puts the folder of kubeguard's shims first on PATH, so that `kubectl` asks before it runs. Sourced again it
# moves the folder back to the front; it starts no process, prints nothing, and leaves $? as it was.

__kubeguard_status=$?
__kubeguard_hook() {
  local shims rest
  \builtin unset -f __kubeguard_hook
  \builtin unset -v __kubeguard_status
  if [[ -n ${KUBEGUARD_HOME-} ]]; then
    shims=${KUBEGUARD_HOME%/}/data/shims
  else
    # Without HOME, ~ is the home that the user database names: the same as kubeguard goes by.
    local HOME
    unset HOME
    shims=~/.local/share/kubeguard/shims
  fi
  rest=:${PATH-}:
  # More than once: two neighbours share the colon between them.
  while [[ $rest == *":$shims:"* ]]; do
    rest=${rest//":$shims:"/:}
  done
  rest=${rest#:}
  rest=${rest%:}
  PATH=$shims${rest:+:$rest}
  # Under `set -e` a status from before must not end the shell now.
  if [[ $- != *e* ]]; then return "$1"; fi
}

__kubeguard_hook "$__kubeguard_status"
