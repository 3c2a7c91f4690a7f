import { createHash } from 'node:crypto'
import { GuardError } from '../../domain/errors.ts'

/** What the units name: paths of this installation and this account. */
export interface UnitPaths {
  /** The launcher `bin/kubeguard`. */
  readonly launcher: string
  /** The socket at which systemd listens while no daemon runs. */
  readonly bell: string
  /** KUBEGUARD_HOME, where it is set. */
  readonly guardHome: string | undefined
}

/** By this line a unit of ours is known, and whether somebody has changed it since. */
const mark = '# kubeguard service install wrote this; the text below has the digest '

/** Is a unit's text one that we wrote, one of ours that somebody changed, or another's? */
export function authorOf(text: string): 'ours' | 'changed' | 'other' {
  const end = text.indexOf('\n')
  const first = text.slice(0, end)
  if (!first.startsWith(mark)) return 'other'
  return first === mark + digestOf(text.slice(end + 1)) ? 'ours' : 'changed'
}

/** @returns the KUBEGUARD_HOME that a unit of ours is for. */
export function homeOf(text: string): string | undefined {
  return /^# home: (.*)$/m.exec(text)?.[1]
}

const homeLine = (guardHome: string | undefined): string =>
  guardHome === undefined ? '' : `# home: ${printable(guardHome)}\n`

const signed = (body: string): string => `${mark}${digestOf(body)}\n${body}`

const digestOf = (body: string): string => createHash('sha256').update(body).digest('hex').slice(0, 32)

/** `kubeguard.socket`: systemd listens, and starts the daemon when somebody connects. */
export function socketUnit({ bell, guardHome }: UnitPaths): string {
  return signed(`${homeLine(guardHome)}[Unit]
Description=kubeguard: starts the daemon for whoever needs it

[Socket]
ListenStream=${raw(bell)}
SocketMode=0600
DirectoryMode=0700
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`)
}

/** `kubeguard.service`: the daemon, with what a user’s manager can really apply. */
export function serviceUnit({ launcher, guardHome }: UnitPaths): string {
  const home = guardHome === undefined ? '' : `Environment=${quoted(`KUBEGUARD_HOME=${guardHome}`)}\n`
  return signed(`# To change something: systemctl --user edit kubeguard.service
${homeLine(guardHome)}
[Unit]
Description=kubeguard: time limits for kubectl
Wants=kubeguard.socket
After=kubeguard.socket
# Room for a person who restarts it; one that can't start gives up within half a minute, and clients do without.
StartLimitIntervalSec=60
StartLimitBurst=20

[Service]
Type=notify
NotifyAccess=main
ExecStart=/bin/sh ${quoted(launcher).replaceAll('$', '$$$$')} daemon run
${home}UnsetEnvironment=LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT NODE_OPTIONS
WorkingDirectory=/
UMask=0077

# A daemon that starts ends and wipes what one that crashed left behind. 3: an update is installed, and everything is
# locked. 78: a place that is not safe.
Restart=on-failure
SuccessExitStatus=3
RestartForceExitStatus=3
RestartSec=1
RestartPreventExitStatus=78
TimeoutStartSec=30

# A stop locks first. All get TERM, stopped ones are woken: keepers end by it, the reaper does not, and ends the clients of
# a daemon that is gone. kubectl is never in here: it belongs to the shell that started it.
KillMode=control-group
TimeoutStopSec=30
OOMPolicy=continue

# Counts while a session is unlocked; while everything is locked the daemon switches it off, and sleeps.
WatchdogSec=30
WatchdogSignal=SIGTERM

MemorySwapMax=0
LimitCORE=0

# No namespaces: the daemon must see the processes, terminals and files of the account as they are. No
# MemoryDenyWriteExecute: the runtime compiles.
NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
`)
}

/**
 * As systemd.syntax(7) and systemd.unit(5) (specifiers) have it. A `$` is plain in Environment=, and doubled
 * in arguments. A launcher is an argument, for a program's own path may hold no quotes there.
 */
const quoted = (text: string): string =>
  `"${raw(text)
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)}"`

/** A setting that takes neither quotes nor escapes, but specifiers. */
const raw = (text: string): string => printable(text).replaceAll('%', '%%')

/** @throws GuardError `usage` for what no unit file can hold. */
function printable(path: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  if (!/[\u0000-\u001f\u007f\ufffd]/.test(path) && !path.endsWith('\\')) return path
  throw new GuardError('usage', `a unit file can’t name the path ${path}`, {
    cure: 'install kubeguard at a path without control characters; without a service the daemon starts at first use',
  })
}
