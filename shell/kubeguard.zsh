# Put this into ~/.zshrc:   source /path/to/kubeguard.zsh      (kubeguard init does it for you)
#
# Puts the folder of kubeguard's shims first on PATH, so that `kubectl` asks before it runs, and keeps it there.
# An interactive shell also says when a session locks or is about to, unsets the variables that the policy names,
# and keeps $KUBEGUARD_PROMPT. No process is started at a prompt, and the file may be sourced again.

() {
  \builtin emulate -L zsh
  \builtin setopt no_err_exit no_err_return no_xtrace
  # Not $HOME: the home that the user database names, the same as kubeguard goes by.
  \builtin local guard=~$USERNAME/.local shims state
  shims=$guard/share/kubeguard/shims state=$guard/state/kubeguard
  [[ -z ${KUBEGUARD_HOME-} ]] || shims=${KUBEGUARD_HOME%/}/data/shims state=${KUBEGUARD_HOME%/}/state
  path=("$shims" "${(@)path:#$shims}")
  # Under `set -e` a status from before must not end the shell now.
  [[ $2 != *e* ]] || \builtin set -- 0
  # A script needs no more than that.
  [[ -o interactive ]] || \builtin return $1

  \builtin zmodload zsh/net/socket zsh/system zsh/stat zsh/sched zsh/zselect 2>/dev/null
  \builtin typeset -g _kubeguard_shims=$shims _kubeguard_state=$state _kubeguard_socket _kubeguard_fd _kubeguard_fd_of
  \builtin typeset -g _kubeguard_terminal _kubeguard_daemon _kubeguard_swept _kubeguard_context _kubeguard_stamp _kubeguard_known
  \builtin typeset -g _kubeguard_policy _kubeguard_before
  \builtin typeset -g _kubeguard_completion=${3:A:h}/completions/_kubeguard
  \builtin typeset -gi _kubeguard_seen _kubeguard_wake _kubeguard_end
  \builtin typeset -ga _kubeguard_say _kubeguard_drop
  \builtin typeset -g _kubeguard_text _kubeguard_rules
  \builtin typeset -gA _kubeguard_open _kubeguard_told
  # Before others: a theme builds its prompt in a precmd of its own.
  precmd_functions=(_kubeguard_precmd ${precmd_functions:#_kubeguard_precmd})
  preexec_functions=(${preexec_functions:#_kubeguard_preexec} _kubeguard_preexec)

  # Others put their folders first: in a precmd after ours, by hand, in a file that is sourced.
  _kubeguard_preexec() {
    [[ ${path[1]-} == "$_kubeguard_shims" ]] || path=("$_kubeguard_shims" "${(@)path:#$_kubeguard_shims}")
  }

  _kubeguard_precmd() {
    \builtin emulate -L zsh
    \builtin setopt no_err_exit no_err_return no_xtrace
    _kubeguard_preexec
    [[ -n $_kubeguard_fd ]] || _kubeguard_connect
    # Once compinit has run, wherever it stands in the start-up file.
    if [[ -n $_kubeguard_completion && -n ${functions[compdef]-} ]]; then
      \builtin autoload -Uz $_kubeguard_completion && compdef _kubeguard kubeguard
      _kubeguard_completion=
    fi
    _kubeguard_look 2>/dev/null
    (( ! $#_kubeguard_drop )) || \builtin unset $_kubeguard_drop 2>/dev/null
    (( ! $#_kubeguard_say )) || \builtin print -rl -u2 -- $_kubeguard_say
  }

  # A connection wakes this shell at its prompt, when there is news and when the daemon ends.
  _kubeguard_connect() {
    \builtin local REPLY
    [[ -o zle ]] && _kubeguard_find_socket 2>/dev/null && [[ -S $_kubeguard_socket && -O $_kubeguard_socket ]] || \builtin return
    zsocket $_kubeguard_socket 2>/dev/null || \builtin return
    _kubeguard_fd=$REPLY
    if _kubeguard_ask; then \builtin zle -F $_kubeguard_fd _kubeguard_news; else _kubeguard_hang_up; fi
  }

  # The daemon's lock file names its socket, and is empty while none runs. Root with our environment leaves it.
  _kubeguard_find_socket() {
    \builtin local socket
    [[ -s $_kubeguard_state/daemon.lock && -O $_kubeguard_state/daemon.lock ]] || \builtin return
    # No fork: the shell itself reads, and all at once (zshexpn), where `read` asks for each byte.
    socket=$(<$_kubeguard_state/daemon.lock)
    [[ -n $socket && -O ${socket:h} ]] && _kubeguard_socket=$socket
  }

  # The frame of shell.news (docs/protocol.md): no body, version 1, message 13.
  _kubeguard_ask() {
    syswrite -o $_kubeguard_fd $'\0\0\0\0\0\1\0\r' 2>/dev/null
  }

  _kubeguard_hang_up() {
    \builtin zle -F $_kubeguard_fd 2>/dev/null
    { \builtin exec {_kubeguard_fd}>&- } 2>/dev/null
    _kubeguard_fd= _kubeguard_fd_of=
  }

  # Called by the line editor, and so never while a command runs.
  _kubeguard_news() {
    \builtin emulate -L zsh
    \builtin setopt no_err_exit no_err_return no_xtrace no_multibyte
    \builtin local answer
    if sysread -i $_kubeguard_fd -t 0 answer 2>/dev/null && [[ $answer == *$'\x80\r' ]]; then
      _kubeguard_ask
    else
      _kubeguard_hang_up
      _kubeguard_connect
    fi
    _kubeguard_tell
  }

  # At a deadline. It may have moved: what the file says now counts.
  _kubeguard_due() {
    \builtin emulate -L zsh
    \builtin setopt no_err_exit no_err_return no_xtrace
    _kubeguard_wake=0
    _kubeguard_tell
  }

  # Above the line that is being typed, which is drawn again below.
  _kubeguard_tell() {
    \builtin setopt multibyte
    _kubeguard_before=${KUBEGUARD_PROMPT-}
    _kubeguard_look 2>/dev/null
    (( ! $#_kubeguard_drop )) || \builtin unset $_kubeguard_drop 2>/dev/null
    [[ $_kubeguard_before == "${KUBEGUARD_PROMPT-}" ]] || \builtin zle reset-prompt 2>/dev/null
    if (( $#_kubeguard_say )); then
      \builtin zle -I
      \builtin print -rl -u2 -- $_kubeguard_say
    fi
  }

  # Reads the status file (src/domain/shell-status.ts). What is to be printed and unset is left in _kubeguard_say
  # and _kubeguard_drop, for a caller without variables of its own that could be meant, and that lets nothing through
  # of what a file that is gone makes the shell say.
  _kubeguard_look() {
    \builtin local text
    \builtin local -i now due lives=0 is_first=0
    _kubeguard_say=() _kubeguard_drop=()
    # As long as the daemon lives, its files are where they were.
    if _kubeguard_lives; then lives=1; else _kubeguard_find_socket; fi
    # Without a file there is nothing to show.
    if [[ -z $_kubeguard_socket || ! -O ${_kubeguard_socket:h}/status ]]; then
      _kubeguard_policy= _kubeguard_known=
      _kubeguard_draw 0
      \builtin return
    fi
    text=$(<${_kubeguard_socket:h}/status)
    [[ $text == 'kubeguard 1 '* ]] || \builtin return
    if [[ $text != "$_kubeguard_text" ]]; then
      [[ -n $_kubeguard_daemon ]] || is_first=1
      _kubeguard_parse $text
      if _kubeguard_lives; then lives=1; else lives=0; fi
      # What was opened since the last look, by a command that ran until now, has ended with it, too.
      (( lives || is_first )) || _kubeguard_open=("${(@kv)_kubeguard_told}")
    fi
    if (( ! $#_kubeguard_told )); then
      _kubeguard_open=()
    else
      now=${"$(</proc/uptime)"%%.*} due=$_kubeguard_end
      if (( lives )); then
        _kubeguard_open=("${(@kv)_kubeguard_told}")
      else
        _kubeguard_lost
        (( now >= due )) && _kubeguard_sweep
        [[ $_kubeguard_swept != $_kubeguard_daemon ]] || due=0
      fi
      # Also where no connection tells of the daemon's end.
      if (( due && due >= now && (_kubeguard_wake <= now || _kubeguard_wake > due + 1) )); then
        _kubeguard_wake=$(( due + 1 ))
        [[ ! -o zle ]] || sched +$(( due + 1 - now )) _kubeguard_due 2>/dev/null
      fi
    fi
    _kubeguard_find_context
    [[ $_kubeguard_rules$_kubeguard_context == "$_kubeguard_known" ]] || _kubeguard_find_policy
    _kubeguard_draw $now
  }

  # One text of the file. What a shell has seen of it is not said again.
  _kubeguard_parse() {
    \builtin local line daemon
    \builtin local -a words lines
    lines=("${(@f)1}")
    daemon=${lines[1]#kubeguard 1 }
    # What happened before the first look is old.
    if [[ -z $_kubeguard_daemon ]]; then _kubeguard_seen=${${=${(M)${lines#at * }:#notice *}[-1]}[2]:-0}
    elif [[ $daemon != $_kubeguard_daemon ]]; then _kubeguard_lost; _kubeguard_seen=0; fi
    _kubeguard_daemon=$daemon _kubeguard_text=$1 _kubeguard_rules= _kubeguard_told=() _kubeguard_end=0
    for line in $lines; do
      # What concerns one terminal is for its shells alone.
      if [[ $line == 'at '* ]]; then
        _kubeguard_find_terminal
        [[ $line == "at $_kubeguard_terminal "* ]] || \builtin continue
        line=${line#at * }
      fi
      case $line in
        (session\ *)
          words=(${=line})
          [[ $words[3] == unlocked ]] || \builtin continue
          _kubeguard_told[$words[2]]="$words[4,-1]"
          (( _kubeguard_end && _kubeguard_end < words[4] )) || _kubeguard_end=$words[4]
          ;;
        (unset\ *) words=(${=line}); (( words[2] <= _kubeguard_seen )) || _kubeguard_drop+=($words[3,-1]) ;;
        (notice\ *)
          words=(${=line})
          (( words[2] > _kubeguard_seen )) || \builtin continue
          _kubeguard_seen=$words[2]
          _kubeguard_say+=("${line#notice $words[2] }")
          ;;
        (glob\ *|context\ *) _kubeguard_rules+=$line$'\n' ;;
      esac
    done
  }

  # Our connection ends with the daemon: while there is nothing to read, it lives. Else, and before that is known to be
  # this one's, its process tells: a pid is used again, one with its start time is not (fields 3 and 22 of proc(5); our
  # daemon's name is one word). The next daemon takes connections before it has written the status file.
  _kubeguard_lives() {
    \builtin local -a words reply
    [[ -n $_kubeguard_daemon ]] || \builtin return 1
    if [[ -n $_kubeguard_fd && $_kubeguard_fd_of == $_kubeguard_daemon ]]; then
      zselect -t 0 -r $_kubeguard_fd
      (( $? != 1 )) || \builtin return 0
    fi
    words=($(</proc/${_kubeguard_daemon% *}/stat))
    [[ $words[22] == ${_kubeguard_daemon#* } && $words[3] != [ZX] ]] || \builtin return
    [[ -z $_kubeguard_fd ]] || _kubeguard_fd_of=$_kubeguard_daemon
  }

  # The terminal that this shell is at: who leads its session, and when that was started. It stays the same.
  _kubeguard_find_terminal() {
    \builtin local -a words leader
    [[ -z $_kubeguard_terminal ]] || \builtin return 0
    _kubeguard_terminal=none
    words=(${=${"$(</proc/$$/stat)"##*\) }})
    # Without a terminal there is none whose leader it has.
    (( $#words > 4 && words[5] )) || \builtin return 0
    leader=(${=${"$(</proc/$words[4]/stat)"##*\) }})
    _kubeguard_terminal=$words[4]:$leader[20]
  } 2>/dev/null

  # What the daemon of the last look had open ended with it.
  _kubeguard_lost() {
    \builtin local policy
    for policy in ${(ok)_kubeguard_open}; do
      _kubeguard_say+=("kubeguard: $policy is locked (the daemon ended); to go on: kubeguard unlock $policy")
      _kubeguard_drop+=(${${=_kubeguard_open[$policy]}[3,-1]})
    done
    _kubeguard_open=()
  }

  # Nobody is left who would do it.
  _kubeguard_sweep() {
    \builtin setopt local_options no_monitor no_notify
    [[ $_kubeguard_swept != $_kubeguard_daemon ]] || \builtin return
    _kubeguard_swept=$_kubeguard_daemon
    [[ ! -x $_kubeguard_shims/kubeguard ]] || $_kubeguard_shims/kubeguard sweep </dev/null &>/dev/null &!
  }

  # The current context, from the first file that names one; read again when a file has changed.
  _kubeguard_find_context() {
    \builtin local file text stamp=
    \builtin local -a files facts
    files=("${(@s.:.)${KUBECONFIG:-${HOME-}/.kube/config}}")
    for file in $files; do
      zstat -A facts -- $file 2>/dev/null || \builtin continue
      # Inode, size, times of change (zshmodules, zstat).
      stamp+=" $file $facts[2] $facts[8] $facts[10] $facts[11]"
    done
    [[ $stamp != $_kubeguard_stamp ]] || \builtin return
    _kubeguard_stamp=$stamp _kubeguard_context=
    for file in $files; do
      [[ -f $file && -r $file ]] || \builtin continue
      text=$'\n'$(<$file)$'\n'
      case $text in
        (*$'\ncurrent-context:'*) text=${${text#*$'\n'current-context:}%%$'\n'*} ;;
        (*\"current-context\"*) text=${${text#*\"current-context\"[[:space:]]#:}%%[,\}]*} ;;
        (*) \builtin continue ;;
      esac
      text=${${text%% \#*}//[[:space:]\"\']/}
      [[ -z $text ]] || { _kubeguard_context=$text; \builtin return }
    done
  }

  # As the daemon does: the policy it was adopted under, else the first with a glob that matches.
  _kubeguard_find_policy() {
    \builtin local line rest
    _kubeguard_known=$_kubeguard_rules$_kubeguard_context _kubeguard_policy=
    for line in ${(f)_kubeguard_rules}; do
      rest=${line#* }
      case $line in
        (context\ *) [[ ${rest#* } == "$_kubeguard_context" ]] || \builtin continue ;;
        (glob\ *)
          rest=${${${(b)${rest#* }}//\\\*/*}//\\\?/?}
          [[ $_kubeguard_context == ${~rest} ]] || \builtin continue
          rest=${line#* }
          ;;
      esac
      _kubeguard_policy=${rest%% *}
      \builtin return
    done
  }

  # $1: the time, as the file counts it.
  _kubeguard_draw() {
    \builtin local sign colour text
    \builtin local -a times
    \builtin local -i left
    times=(${=_kubeguard_open[$_kubeguard_policy]-})
    if [[ -z $_kubeguard_policy ]]; then
      \builtin typeset -g KUBEGUARD_PROMPT_STATE=
    elif (( ! $#times )); then
      KUBEGUARD_PROMPT_STATE=locked sign=🔒 colour=8
    else
      left=$(( times[1] - $1 ))
      KUBEGUARD_PROMPT_STATE=open sign=🔓 colour=green
      (( left > 300 )) || KUBEGUARD_PROMPT_STATE=soon colour=yellow
      (( times[2] > $1 )) || KUBEGUARD_PROMPT_STATE=now colour=red
      if (( left >= 7200 )); then text=" $(( left / 3600 ))h"; else text=" $(( left > 90 ? (left + 30) / 60 : 1 ))m"; fi
    fi
    [[ ${LC_ALL:-${LC_CTYPE:-${LANG-}}} == *[uU][tT][fF]* ]] || sign=${KUBEGUARD_PROMPT_STATE/(soon|now)/open}
    text=$sign${sign:+ }$_kubeguard_policy$text
    \builtin typeset -g KUBEGUARD_PROMPT_PLAIN=$text
    # Exported by a user it forbids asking: docs/cli.md.
    [[ ${KUBEGUARD_PROMPT-} == never ]] || \builtin typeset -g KUBEGUARD_PROMPT=${text:+%F\{$colour\}$text%f}
  }

  # A prompt may name it before the first look, under `set -u` too.
  [[ -n ${KUBEGUARD_PROMPT_STATE-} ]] || _kubeguard_draw 0
  \builtin return $1
} $? $- ${(%):-%x}
