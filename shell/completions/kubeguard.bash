# shellcheck shell=bash
# Completion of kubeguard for bash; the hook sources it.

__kubeguard_complete() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("${line%%$'\t'*}")
  done < <(command kubeguard complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
}

complete -o default -F __kubeguard_complete kubeguard
