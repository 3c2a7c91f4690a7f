# shellcheck shell=bash
# Completion of kubeguard for bash; the hook sources it.

__kubeguard_complete() {
  local line rest=$COMP_LINE word words=() at last=-1 typed lead
  # bash ends words at : and @ too, which names of contexts hold: what has no blank before it belongs to the last one.
  for ((at = 0; at <= COMP_CWORD; at += 1)); do
    word=${COMP_WORDS[at]}
    if ((last < 0)) || [[ $rest == [[:blank:]]* ]]; then last=$((last + 1)); fi
    words[last]=${words[last]-}$word
    rest=${rest#"${rest%%[![:blank:]]*}"}
    rest=${rest#"$word"}
  done
  # Only what is behind the last of them is replaced.
  typed=${words[last]-}
  lead=${typed%"${typed##*["$COMP_WORDBREAKS"]}"}
  COMPREPLY=()
  while IFS= read -r line; do
    line=${line%%$'\t'*}
    COMPREPLY+=("${line#"$lead"}")
  done < <(command kubeguard complete -- "${words[@]:1}" 2>/dev/null </dev/null)
}

complete -o default -F __kubeguard_complete kubeguard
