/** Programs known by the base name of their executable, as far as holders and endings need them. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const shells = words(
  'sh bash rbash dash ash ksh ksh93 mksh lksh oksh zsh rzsh zsh5 fish yash csh tcsh posh nu elvish xonsh pwsh',
)

/** They run another program and speak to no cluster themselves. */
const wrappers = words(`
  env timeout nice ionice nohup setsid stdbuf xargs parallel time strace ltrace watch script unbuffer expect
  rlwrap flock chrt taskset numactl prlimit setpriv unshare nsenter chroot sudo sudo-rs doas su runuser pkexec
  faketime fakeroot proot bwrap firejail systemd-run direnv mise asdf busybox toybox coreutils find
  kubeguard kubeguard-credential kubeguard-native kubeguard-native-libc`)

/** What a person's whole log-in hangs on. Ending one would end far more than a client. */
const sessionKeepers = words(`
  tmux screen zellij dtach abduco byobu sshd sshd-session sshd-auth dropbear mosh-server login agetty getty
  systemd systemd-executor systemd-logind init gdm sddm lightdm gnome-shell plasmashell sway Xorg Xwayland
  gnome-session-binary gnome-terminal-server konsole kitty alacritty foot wezterm-gui xterm ghostty
  dbus-daemon dbus-broker ssh-agent gpg-agent`)

/** They make a terminal for a connection, and end it with the connection. */
const remoteServers = words('sshd sshd-session dropbear')

/** Processes that take in orphans; pid 1 and any subreaper (prctl(2), PR_SET_CHILD_SUBREAPER). */
const subreapers = words(`
  systemd init tini docker-init dumb-init catatonit conmon containerd-shim containerd-shim-runc-v2 s6-svscan
  runsvdir upstart launchd`)

/** What the native reaper must know too: native/reaper/programs.h is written from this. */
export const endingLists: Readonly<Record<'shells' | 'sessionKeepers' | 'valueOptions', () => string[]>> = {
  shells: () => [...shells],
  sessionKeepers: () => [...sessionKeepers],
  valueOptions: () => [...valueOptions],
}

/** GNU screen's and some distributions' executables carry a version: `screen-4.9.0`, `zsh-5.9`, `bash5`. */
const plainName = (program: string): string => program.replace(/^-/, '').replace(/-?\d+(\.\d+)*$/, '')

const isOneOf = (names: ReadonlySet<string>, program: string): boolean =>
  names.has(program) || names.has(plainName(program))

export const isShell = (program: string): boolean => isOneOf(shells, program)
export const isWrapper = (program: string): boolean => isOneOf(wrappers, program)
/** tmux names its server process `tmux: server`. */
export const isSessionKeeper = (program: string): boolean =>
  isOneOf(sessionKeepers, (program.split(':')[0] as string).replaceAll(/[()]/g, '')) || program === '(sd-pam)'
export const isRemoteServer = (program: string): boolean =>
  isOneOf(remoteServers, program.split(':')[0] as string)
export const isSubreaper = (program: string): boolean => isOneOf(subreapers, program)

/** Shell options whose value is the next word, so that it is no script. */
const valueOptions = words('--rcfile --init-file -o +o -O +O -C --init-command')

/**
 * Would a shell started with these arguments (without argv[0]) read commands from a person? Not with
 * `-c` or a script to run (sh(1), bash(1), zsh(1), fish(1)).
 */
export function readsCommandsFromPerson(args: readonly string[]): boolean {
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] as string
    if (arg === '--' || arg === '-') return index === args.length - 1
    if (!/^[-+]/.test(arg)) return false
    if (arg === '--command' || arg.startsWith('--command=') || /^-[A-Za-z]*c/.test(arg)) return false
    if (/^-[A-Za-z]*s/.test(arg)) return true
    if (valueOptions.has(arg)) index += 1
  }
  return true
}
