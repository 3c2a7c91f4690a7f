# Put this into ~/.zshrc:   source /path/to/kubeguard.zsh      (kubeguard init does it for you)
#
# Puts the folder of kubeguard's shims first on PATH, so that `kubectl` asks before it runs. Sourced again it
# moves the folder back to the front; it starts no process, prints nothing, and leaves $? as it was.

() {
  \builtin emulate -L zsh
  \builtin local shims
  if [[ -n ${KUBEGUARD_HOME-} ]]; then
    shims=${KUBEGUARD_HOME%/}/data/shims
  else
    # Not $HOME: the home that the user database names, the same as kubeguard goes by.
    shims=~$USERNAME/.local/share/kubeguard/shims
  fi
  path=("$shims" "${(@)path:#$shims}")
  # Under `set -e` a status from before must not end the shell now.
  if [[ $2 != *e* ]]; then \builtin return $1; fi
} $? $-
