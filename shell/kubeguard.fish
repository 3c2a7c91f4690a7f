# Put this into config.fish:   source /path/to/kubeguard.fish      (kubeguard init does it for you)
#
# Puts the folder of kubeguard's shims first on PATH, so that `kubectl` asks before it runs. Sourced again it
# moves the folder back to the front; it starts no process, prints nothing, and leaves $status as it was.

set -l __kubeguard_status $status

function __kubeguard_hook --argument-names kept
    set -l shims
    if set -q KUBEGUARD_HOME[1]; and test -n "$KUBEGUARD_HOME"
        set shims (string replace -r '/+$' '' -- $KUBEGUARD_HOME)/data/shims
    else
        # Not $HOME: the home that the user database names, the same as kubeguard goes by.
        set -l home ~
        while read -l -d : name _password uid _gid _gecos account_home _shell
            if test "$uid" = "$EUID"
                set home $account_home
                break
            end
        end </etc/passwd
        set shims $home/.local/share/kubeguard/shims
    end
    set -l rest
    for folder in $PATH
        if test "$folder" != "$shims"
            set -a rest $folder
        end
    end
    set -gx PATH $shims $rest
    functions -e __kubeguard_hook
    return $kept
end

__kubeguard_hook $__kubeguard_status
