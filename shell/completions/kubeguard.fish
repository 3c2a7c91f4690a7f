# Completion of kubeguard for fish; the hook sources it.

function __kubeguard_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (command kubeguard complete -- $words[2..-1] 2>/dev/null </dev/null)
    if set -q found[1]
        string join \n -- $found
    else
        __fish_complete_path (commandline -ct)
    end
end

complete -c kubeguard -f -a '(__kubeguard_complete)'
