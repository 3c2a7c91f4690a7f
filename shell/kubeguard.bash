# shellcheck shell=bash
# Put this into ~/.bashrc:   source /path/to/kubeguard.bash      (kubeguard init does it for you)
#
# Puts the folder of kubeguard's shims first on PATH, so that `kubectl` asks before it runs, and keeps it there.
# An interactive shell also says at its prompt when a session locked or is about to, unsets the variables that the
# policy names, and keeps $KUBEGUARD_PROMPT. No process is started at a prompt, and the file may be sourced again.

# In this order: the status comes first.
__kubeguard_status=$?

# Others put their folders first: in a part of PROMPT_COMMAND after ours, by hand, in a file that is sourced.
__kubeguard_path() {
  if [[ ${PATH-} == "$1" || ${PATH-} == "$1":* && :${PATH#*:}: != *":$1:"* ]]; then return 0; fi
  local rest=:${PATH-}:
  # More than once: two neighbours share the colon between them.
  while [[ $rest == *":$1:"* ]]; do rest=${rest//":$1:"/:}; done
  rest=${rest#:}
  rest=${rest%:}
  PATH=$1${rest:+:$rest}
}

__kubeguard_start() {
  local shims state
  if [[ -n ${KUBEGUARD_HOME-} ]]; then
    shims=${KUBEGUARD_HOME%/}/data/shims state=${KUBEGUARD_HOME%/}/state
  else
    # Without HOME, ~ is the home that the user database names: the same as kubeguard goes by.
    local HOME
    unset HOME
    shims=~/.local/share/kubeguard/shims state=~/.local/state/kubeguard
  fi
  __kubeguard_path "$shims"
  # A script needs no more than that.
  if [[ $- != *i* ]]; then return 0; fi
  __kubeguard_shims=$shims __kubeguard_state=$state
  # Sourced again nothing that was seen is forgotten.
  if [[ ${__kubeguard_shell-} == "$$" ]]; then return 0; fi
  __kubeguard_shell=$$ __kubeguard_socket='' __kubeguard_daemon='' __kubeguard_seen=0 __kubeguard_swept='' __kubeguard_gone=''
  __kubeguard_open=() __kubeguard_say='' __kubeguard_drop=() __kubeguard_context='' __kubeguard_policy=''
  __kubeguard_known='' __kubeguard_terminal=''
  __kubeguard_draw 0
  # Beside this file, wherever it was sourced from.
  local here=${BASH_SOURCE[0]%/*}/completions/kubeguard.bash
  # shellcheck source=/dev/null
  if [[ ${BASH_SOURCE[0]} == */* && -r $here ]]; then source "$here"; fi
  # A shell has no clock that goes on while it waits for a line: this one ends with it.
  if [[ -O $state && -x ${shims%/shims}/bin/kubeguard-watch ]]; then
    ("${shims%/shims}/bin/kubeguard-watch" "$$" "$state" </dev/null >/dev/null 2>&1 &)
  fi
}

__kubeguard_end() {
  \builtin unset -v __kubeguard_status
  \builtin unset -f __kubeguard_end
  # Under `set -e` a status from before must not end the shell now.
  if [[ $- != *e* ]]; then return "$1"; fi
}

if [[ $- != *i* ]]; then
  __kubeguard_start
  \builtin unset -f __kubeguard_path __kubeguard_start
  __kubeguard_end "$__kubeguard_status"
  \builtin return
fi

# First, so that a theme finds $KUBEGUARD_PROMPT. From 5.1 on each part of the array has $? and PIPESTATUS for itself;
# before, the last part of the one text is the place where nobody misses them.
__kubeguard_install() {
  local part parts=()
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)); then
    # shellcheck disable=SC2178,SC2128 # no array in these versions
    case ${PROMPT_COMMAND-} in
      *__kubeguard_prompt*) ;;
      *) PROMPT_COMMAND=${PROMPT_COMMAND-}${PROMPT_COMMAND:+$'\n'}__kubeguard_prompt ;;
    esac
    return 0
  fi
  for part in ${PROMPT_COMMAND[@]+"${PROMPT_COMMAND[@]}"}; do
    case $part in
      __kubeguard_prompt | __kubeguard_last | '') ;;
      # Someone has built ours into theirs.
      *__kubeguard_prompt*) return 0 ;;
      *) parts+=("$part") ;;
    esac
  done
  PROMPT_COMMAND=(__kubeguard_prompt ${parts[@]+"${parts[@]}"} __kubeguard_last)
}

__kubeguard_last() {
  set -- "$?" "$-"
  __kubeguard_path "$__kubeguard_shims"
  if [[ $2 != *e* ]]; then return "$1"; fi
}

# No variable of its own: a policy may name any.
__kubeguard_prompt() {
  set -- "$?" "$-"
  __kubeguard_path "$__kubeguard_shims"
  __kubeguard_look || :
  if ((${#__kubeguard_drop[@]})); then unset -v "${__kubeguard_drop[@]}" 2>/dev/null || :; fi
  if [[ -n $__kubeguard_say ]]; then printf '%s' "$__kubeguard_say" >&2; fi
  if [[ $2 != *e* ]]; then return "$1"; fi
}

# The daemon's lock file names its socket, and is empty while none runs; the status file lies beside the socket.
# Root with our environment leaves them alone.
__kubeguard_find_socket() {
  local socket=
  if [[ -s $__kubeguard_state/daemon.lock && -O $__kubeguard_state/daemon.lock ]]; then
    IFS= read -r socket <"$__kubeguard_state/daemon.lock"
    if [[ -n $socket ]]; then __kubeguard_socket=$socket; fi
  fi
  [[ -n $__kubeguard_socket && -O ${__kubeguard_socket%/*} && -O ${__kubeguard_socket%/*}/status ]]
} 2>/dev/null

# Reads the status file (src/domain/shell-status.ts). What is to be printed and unset is left for the caller.
__kubeguard_look() {
  local IFS=' ' kind name rest daemon='' known='' now=0 due=0 ends is_first='' open=() lines=()
  __kubeguard_say='' __kubeguard_drop=()
  # Without a file there is nothing to show.
  if ! __kubeguard_find_socket; then
    __kubeguard_known='' __kubeguard_policy=''
    __kubeguard_draw 0
    return 0
  fi
  mapfile -t lines <"${__kubeguard_socket%/*}/status"
  if [[ ${lines[0]-} != 'kubeguard 1 '* ]]; then return 0; fi
  daemon=${lines[0]#kubeguard 1 }
  # What happened before the first look is old.
  if [[ -z $__kubeguard_daemon ]]; then
    is_first=1
    for rest in "${lines[@]}"; do
      rest=${rest#at * }
      if [[ $rest == 'notice '* ]]; then rest=${rest#notice } __kubeguard_seen=${rest%% *}; fi
    done
  elif [[ $daemon != "$__kubeguard_daemon" ]]; then
    __kubeguard_lost
    __kubeguard_seen=0
  fi
  __kubeguard_daemon=$daemon
  for rest in "${lines[@]}"; do
    # What concerns one terminal is for its shells alone.
    if [[ $rest == 'at '* ]]; then
      __kubeguard_find_terminal
      if [[ $rest != "at $__kubeguard_terminal "* ]]; then continue; fi
      rest=${rest#at * }
    fi
    kind=${rest%% *} rest=${rest#* }
    name=${rest%% *} rest=${rest#* }
    case $kind in
      session)
        if [[ $rest == 'unlocked '* ]]; then
          open+=("$name ${rest#unlocked }")
          ends=${rest#unlocked } ends=${ends%% *}
          if ((due == 0 || ends < due)); then due=$ends; fi
        fi
        ;;
      unset) if ((name > __kubeguard_seen)); then __kubeguard_forget "$rest"; fi ;;
      notice)
        if ((name > __kubeguard_seen)); then
          __kubeguard_seen=$name
          __kubeguard_say+=$rest$'\n'
        fi
        ;;
      context | glob) known+="$kind $name $rest"$'\n' ;;
    esac
  done
  if ((${#open[@]})); then
    read -r now rest </proc/uptime
    now=${now%%.*}
    if ! __kubeguard_lives; then
      # What was opened since the last look, by a command that ran until now, has ended with it, too.
      if [[ -z $is_first && $__kubeguard_gone != "$daemon" ]]; then __kubeguard_open=("${open[@]}"); fi
      __kubeguard_gone=$daemon
      __kubeguard_lost
      open=()
      if ((now >= due)); then __kubeguard_sweep; fi
    fi
  fi
  __kubeguard_open=(${open[@]+"${open[@]}"})
  __kubeguard_find_context
  __kubeguard_find_policy "$known"
  __kubeguard_draw "$now"
} 2>/dev/null

# A pid is used again; one with its start time is not.
__kubeguard_lives() {
  local words=()
  __kubeguard_facts "${__kubeguard_daemon% *}" || return 1
  [[ ${words[19]-} == "${__kubeguard_daemon#* }" && ${words[0]-} != [ZX] ]]
}

# The caller's `words`: what proc_pid_stat(5) has of the process $1, from its state on, behind its name.
__kubeguard_facts() {
  local text IFS=' '
  read -r text <"/proc/$1/stat" || return 1
  # shellcheck disable=SC2206 # a letter and numbers
  words=(${text##*) })
}

# The terminal that this shell is at: who leads its session, and when that was started. It stays the same.
__kubeguard_find_terminal() {
  local words=() leader
  if [[ -n $__kubeguard_terminal ]]; then return 0; fi
  __kubeguard_terminal=none
  __kubeguard_facts "$$" || return 0
  leader=${words[3]-}
  # Without a terminal there is none whose leader it has.
  if [[ ${words[4]-0} == 0 ]] || ! __kubeguard_facts "$leader"; then return 0; fi
  __kubeguard_terminal=$leader:${words[19]-}
}

# What the daemon of the last look had open ended with it.
__kubeguard_lost() {
  local session rest
  for session in ${__kubeguard_open[@]+"${__kubeguard_open[@]}"}; do
    rest=${session%% *}
    __kubeguard_say+="kubeguard: $rest is locked (the daemon ended); to go on: kubeguard unlock $rest"$'\n'
    rest=${session#* * }
    if [[ $rest == *' '* ]]; then __kubeguard_forget "${rest#* }"; fi
  done
  __kubeguard_open=()
}

# $1: names, with a blank between them.
__kubeguard_forget() {
  local names=$1
  while [[ -n $names ]]; do
    __kubeguard_drop+=("${names%% *}")
    if [[ $names != *' '* ]]; then return 0; fi
    names=${names#* }
  done
}

# Nobody is left who would do it.
__kubeguard_sweep() {
  if [[ $__kubeguard_swept == "$__kubeguard_daemon" ]]; then return 0; fi
  __kubeguard_swept=$__kubeguard_daemon
  if [[ -x $__kubeguard_shims/kubeguard ]]; then
    ("$__kubeguard_shims/kubeguard" sweep </dev/null >/dev/null 2>&1 &)
  fi
}

# The current context, from the first file that names one.
__kubeguard_find_context() {
  local list=${KUBECONFIG:-${HOME-}/.kube/config}: file text lf=$'\n'
  __kubeguard_context=''
  while [[ -n $list ]]; do
    file=${list%%:*} list=${list#*:} text=''
    if [[ ! -f $file || ! -r $file ]]; then continue; fi
    # A read of all at once is several times faster (bash 4.4).
    if ! mapfile -d '' -t text <"$file"; then IFS= read -r -d '' text <"$file"; fi
    if [[ $lf$text =~ $lf'current-context:'[[:blank:]]*([^$lf]*) ]] ||
      [[ $text =~ \"current-context\":[[:space:]]*(\"[^\"]*\") ]]; then
      text=${BASH_REMATCH[1]%% \#*}
      text=${text//[[:space:]\"\']/}
      if [[ -n $text ]]; then
        __kubeguard_context=$text
        return 0
      fi
    fi
  done
}

# As the daemon does: the policy it was adopted under, else the first with a glob that matches.
__kubeguard_find_policy() {
  local rest line=$1$'\n'$__kubeguard_context
  if [[ $line == "$__kubeguard_known" ]]; then return 0; fi
  __kubeguard_known=$line __kubeguard_policy=''
  rest=$1
  while [[ -n $rest ]]; do
    line=${rest%%$'\n'*} rest=${rest#*$'\n'}
    __kubeguard_matches "${line%% *}" "${line#* * }" || continue
    line=${line#* }
    __kubeguard_policy=${line%% *}
    return 0
  done
}

__kubeguard_matches() {
  if [[ $1 == context ]]; then
    [[ $__kubeguard_context == "$2" ]]
    return
  fi
  # Only * and ? mean more than themselves.
  local glob=${2//\\/\\\\} sign
  for sign in '[' '(' ')' '|' '!' '+' '@'; do glob=${glob//"$sign"/\\"$sign"}; done
  # shellcheck disable=SC2053 # a pattern
  [[ $__kubeguard_context == $glob ]]
}

# $1: the time, as the file counts it.
__kubeguard_draw() {
  local session times='' sign='' colour='' text='' left
  for session in ${__kubeguard_open[@]+"${__kubeguard_open[@]}"}; do
    if [[ $session == "$__kubeguard_policy "* ]]; then times=${session#* }; fi
  done
  if [[ -z $__kubeguard_policy ]]; then
    KUBEGUARD_PROMPT_STATE=''
  elif [[ -z $times ]]; then
    KUBEGUARD_PROMPT_STATE=locked sign=🔒 colour=90
  else
    left=$((${times%% *} - $1)) times=${times#* }
    KUBEGUARD_PROMPT_STATE=open sign=🔓 colour=32
    if ((left <= 300)); then KUBEGUARD_PROMPT_STATE=soon colour=33; fi
    if ((${times%% *} <= $1)); then KUBEGUARD_PROMPT_STATE=now colour=31; fi
    if ((left >= 7200)); then text=" $((left / 3600))h"; else text=" $((left > 90 ? (left + 30) / 60 : 1))m"; fi
  fi
  if [[ ${LC_ALL:-${LC_CTYPE:-${LANG-}}} != *[uU][tT][fF]* ]]; then
    sign=$KUBEGUARD_PROMPT_STATE
    if [[ $sign == soon || $sign == now ]]; then sign=open; fi
  fi
  text=$sign${sign:+ }$__kubeguard_policy$text
  # For whoever colours it himself, such as starship.
  # shellcheck disable=SC2034
  KUBEGUARD_PROMPT_PLAIN=$text
  # Exported by a user it forbids asking: docs/cli.md. \001 and \002 tell readline what has no width.
  if [[ ${KUBEGUARD_PROMPT-} != never ]]; then
    KUBEGUARD_PROMPT=${text:+$'\001\e['${colour}$'m\002'$text$'\001\e[0m\002'}
  fi
}

__kubeguard_start
__kubeguard_install
__kubeguard_end "$__kubeguard_status"
