# Completion of kubeguard for fish; the hook sources it.

function __kubeguard_complete
    set -l words (commandline -opc) (commandline -ct)
    command kubeguard complete -- $words[2..-1] 2>/dev/null </dev/null
end

complete -c kubeguard -f -a '(__kubeguard_complete)'
