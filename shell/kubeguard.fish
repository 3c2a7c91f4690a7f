# Put this into config.fish:   source /path/to/kubeguard.fish      (kubeguard init does it for you)
#
# Puts the folder of kubeguard's shims first on PATH, so that `kubectl` asks before it runs, and keeps it there.
# An interactive shell also says when a session locks or is about to, unsets the variables that the policy names,
# and keeps $KUBEGUARD_PROMPT. No process is started at a prompt, and the file may be sourced again.

set -l __kubeguard_status $status

# Others put their folders first: in a handler of their own, by hand, in a file that is sourced.
function __kubeguard_path --argument-names shims
    if test "$PATH[1]" = "$shims"; and not contains -- $shims $PATH[2..-1]
        return
    end
    set -l rest
    for folder in $PATH
        test "$folder" = "$shims"; or set -a rest $folder
    end
    set -gx PATH $shims $rest
end

function __kubeguard_places
    if set -q KUBEGUARD_HOME[1]; and test -n "$KUBEGUARD_HOME"
        set -l guard (string replace -r '/+$' '' -- $KUBEGUARD_HOME)
        string join \n -- $guard/data $guard/state
        return
    end
    # Not $HOME: the home that the user database names, the same as kubeguard goes by.
    set -l home ~
    while read -l -d : name _password uid _gid _gecos account_home _shell
        if test "$uid" = "$EUID"
            set home $account_home
            break
        end
    end </etc/passwd
    string join \n -- $home/.local/share/kubeguard $home/.local/state/kubeguard
end

function __kubeguard_start
    set -l places (__kubeguard_places)
    __kubeguard_path $places[1]/shims
    functions -e __kubeguard_places __kubeguard_start
    # A script needs no more than that.
    if not status is-interactive
        functions -e __kubeguard_path
        return
    end
    set -g __kubeguard_shims $places[1]/shims
    set -g __kubeguard_state $places[2]
    # Sourced again nothing that was seen is forgotten.
    test "$__kubeguard_shell" = "$fish_pid"; and return
    set -g __kubeguard_shell $fish_pid
    set -g __kubeguard_socket
    set -g __kubeguard_daemon
    set -g __kubeguard_seen 0
    set -g __kubeguard_swept
    set -g __kubeguard_gone
    set -g __kubeguard_open
    # A shell has no clock that goes on while it waits for a line, and no socket: this one ends with it.
    if test -O $places[2] -a -x $places[1]/bin/kubeguard-watch
        $places[1]/bin/kubeguard-watch $fish_pid $places[2] signal </dev/null >/dev/null 2>/dev/null &
        disown 2>/dev/null
    end
end

__kubeguard_start

if status is-interactive
    # Beside this file, wherever it was sourced from.
    set -l completions (string replace -r '[^/]*$' completions/kubeguard.fish -- (status filename))
    test -r "$completions"; and source $completions

    function __kubeguard_preexec --on-event fish_preexec
        __kubeguard_path $__kubeguard_shims
    end

    function __kubeguard_prompt --on-event fish_prompt
        __kubeguard_path $__kubeguard_shims
        __kubeguard_look
        set -q __kubeguard_drop[1]; and set -e $__kubeguard_drop
        set -q __kubeguard_say[1]; and string join \n -- $__kubeguard_say >&2
    end

    # The watcher's signal: there is news. Above the line that is being typed, which is drawn again below.
    function __kubeguard_news --on-signal URG
        set -g __kubeguard_before "$KUBEGUARD_PROMPT"
        __kubeguard_look
        set -q __kubeguard_drop[1]; and set -e $__kubeguard_drop
        if set -q __kubeguard_say[1]
            echo >&2
            string join \n -- $__kubeguard_say >&2
            commandline -f repaint
        else if test "$__kubeguard_before" != "$KUBEGUARD_PROMPT"
            commandline -f repaint
        end
    end

    # The daemon's lock file names its socket, and is empty while none runs; the status file lies beside the socket.
    # Root with our environment leaves them alone.
    function __kubeguard_find_socket
        set -l socket
        if test -s $__kubeguard_state/daemon.lock -a -O $__kubeguard_state/daemon.lock
            read socket <$__kubeguard_state/daemon.lock
            test -n "$socket"; and set -g __kubeguard_socket $socket
        end
        test -n "$__kubeguard_socket"; or return
        set -g __kubeguard_file (string replace -r '[^/]*$' status -- $__kubeguard_socket)
        test -O $__kubeguard_file
    end

    # Reads the status file (src/domain/shell-status.ts). What is to be printed and unset is left for the caller.
    function __kubeguard_look
        set -g __kubeguard_say
        set -g __kubeguard_drop
        # Without a file there is nothing to show.
        if not __kubeguard_find_socket
            __kubeguard_draw 0 ''
            return
        end
        set -l text
        read -z text <$__kubeguard_file
        set -l lines (string split \n -- $text)
        string match -q 'kubeguard 1 *' -- $lines[1]; or return
        set -l is_first
        set -l daemon (string replace 'kubeguard 1 ' '' -- $lines[1])
        if test -z "$__kubeguard_daemon"
            # What happened before the first look is old.
            set is_first 1
            for line in (string match 'notice *' -- (string replace -r '^at \S+ ' '' -- $lines))
                set -g __kubeguard_seen (string split ' ' -- $line)[2]
            end
        else if test "$daemon" != "$__kubeguard_daemon"
            __kubeguard_lost
            set -g __kubeguard_seen 0
        end
        set -g __kubeguard_daemon $daemon
        set -l seen $__kubeguard_seen
        set -l open
        set -l due
        for line in $lines
            set -l words (string split ' ' -- $line)
            # What concerns one terminal is for its shells alone.
            if test "$words[1]" = at
                test "$words[2]" = (__kubeguard_terminal); or continue
                set -e words[1..2]
            end
            switch "$words[1]"
                case session
                    test "$words[3]" = unlocked; or continue
                    set -a open "$words[2] $words[4..-1]"
                    test -n "$due" -a "$words[4]" -ge "$due" 2>/dev/null; or set due $words[4]
                case unset
                    test $words[2] -gt $seen; and set -a __kubeguard_drop $words[3..-1]
                case notice
                    test $words[2] -gt $seen; or continue
                    set -g __kubeguard_seen $words[2]
                    set -a __kubeguard_say "$words[3..-1]"
            end
        end
        set -l now 0
        if set -q open[1]
            read -d . now _rest </proc/uptime
            if not __kubeguard_lives
                # What was opened since the last look, by a command that ran until now, has ended with it, too.
                test -n "$is_first" -o "$__kubeguard_gone" = "$daemon"; or set -g __kubeguard_open $open
                set -g __kubeguard_gone $daemon
                __kubeguard_lost
                set open
                test $now -ge $due; and __kubeguard_sweep
            end
        end
        set -g __kubeguard_open $open
        set -l context (__kubeguard_context)
        __kubeguard_draw $now (__kubeguard_policy "$context" (string match -r '^(?:glob|context) .*' -- $lines))
    end

    # What proc_pid_stat(5) has of a process, from its state on, behind its name.
    function __kubeguard_facts -a pid
        set -l facts
        test -r /proc/$pid/stat; and read facts </proc/$pid/stat 2>/dev/null
        and string split ' ' -- (string replace -r '.*\) ' '' -- $facts)
    end

    # The terminal that this shell is at: who leads its session, and when that was started.
    function __kubeguard_terminal
        set -l words (__kubeguard_facts $fish_pid)
        set -l leader
        # Without a terminal there is none whose leader it has.
        test "$words[5]" != 0; and set leader (__kubeguard_facts $words[4])
        echo "$words[4]:$leader[20]"
    end

    # A pid is used again; one with its start time is not.
    function __kubeguard_lives
        set -l id (string split ' ' -- $__kubeguard_daemon)
        set -l words (__kubeguard_facts $id[1]); or return
        test "$words[20]" = "$id[2]"; and not contains -- "$words[1]" Z X
    end

    # What the daemon of the last look had open ended with it.
    function __kubeguard_lost
        for session in $__kubeguard_open
            set -l words (string split ' ' -- $session)
            set -a __kubeguard_say \
                "kubeguard: $words[1] is locked (the daemon ended); to go on: kubeguard unlock $words[1]"
            set -q words[4]; and set -a __kubeguard_drop $words[4..-1]
        end
        set -g __kubeguard_open
    end

    # Nobody is left who would do it.
    function __kubeguard_sweep
        test "$__kubeguard_swept" = "$__kubeguard_daemon"; and return
        set -g __kubeguard_swept $__kubeguard_daemon
        if test -x $__kubeguard_shims/kubeguard
            $__kubeguard_shims/kubeguard sweep </dev/null >/dev/null 2>/dev/null &
            disown 2>/dev/null
        end
    end

    # The current context, from the first file that names one.
    function __kubeguard_context
        set -l list $HOME/.kube/config
        set -q KUBECONFIG[1]; and test -n "$KUBECONFIG"; and set list (string split : -- (string join : -- $KUBECONFIG))
        for file in $list
            test -f "$file" -a -r "$file"; or continue
            set -l text
            read -z text <$file
            set -l found (string match -r '(?m)^current-context:\s*(.*)$' -- $text)
            set -q found[2]; or set found (string match -r '"current-context":\s*("[^"]*")' -- $text)
            set -q found[2]; or continue
            set -l name (string replace -ra '\s#.*|[\s"\']' '' -- $found[2])
            if test -n "$name"
                echo $name
                return
            end
        end
    end

    # As the daemon does: the policy it was adopted under, else the first with a glob that matches.
    function __kubeguard_policy --argument-names context
        for line in $argv[2..-1]
            set -l words (string split -m 2 ' ' -- $line)
            if test "$words[1]" = context
                test "$words[3]" = "$context"; or continue
            else
                # Only * and ? mean more than themselves.
                set -l pattern (string escape --style=regex -- $words[3] | string replace -a '\\*' '.*' | string replace -a '\\?' '.')
                string match -qr -- "^$pattern\$" "$context"; or continue
            end
            echo $words[2]
            return
        end
    end

    function __kubeguard_draw --argument-names now policy
        set -l sign
        set -l colour
        set -l text
        set -g KUBEGUARD_PROMPT_STATE
        set -l session (string match -- "$policy *" $__kubeguard_open)
        if test -n "$policy" -a -z "$session"
            set -g KUBEGUARD_PROMPT_STATE locked
            set sign 🔒
            set colour 90
        else if test -n "$policy"
            set -l words (string split ' ' -- $session)
            set -l left (math $words[2] - $now)
            set -g KUBEGUARD_PROMPT_STATE open
            set sign 🔓
            set colour 32
            if test $words[3] -le $now
                set -g KUBEGUARD_PROMPT_STATE now
                set colour 31
            else if test $left -le 300
                set -g KUBEGUARD_PROMPT_STATE soon
                set colour 33
            end
            if test $left -ge 7200
                set text ' '(math -s0 $left / 3600)h
            else if test $left -gt 90
                set text ' '(math -s0 "($left + 30) / 60")m
            else
                set text ' 1m'
            end
        end
        set -l locale "$LC_ALL"
        test -n "$locale"; or set locale "$LC_CTYPE"
        test -n "$locale"; or set locale "$LANG"
        if not string match -qir 'utf' -- $locale
            set sign (string replace -r 'soon|now' open -- $KUBEGUARD_PROMPT_STATE)
        end
        set text (string trim -- "$sign $policy$text")
        # For whoever colours it himself, such as starship.
        set -g KUBEGUARD_PROMPT_PLAIN $text
        # Exported by a user it forbids asking: docs/cli.md.
        test "$KUBEGUARD_PROMPT" = never; and return
        if test -n "$text"
            set -g KUBEGUARD_PROMPT (printf '\e[%sm%s\e[0m' $colour $text)
        else
            set -g KUBEGUARD_PROMPT ''
        end
    end
end

function __kubeguard_end --argument-names kept
    functions -e __kubeguard_end
    return $kept
end

__kubeguard_end $__kubeguard_status
