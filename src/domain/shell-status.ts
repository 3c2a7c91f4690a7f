/** What shells are told: the states, one line for each thing that happened, and which context has which policy. */
export interface ShellStatus {
  /** The daemon that wrote it: dead, and nothing below is open any more. */
  readonly daemon: { readonly pid: number; readonly startTicks: number }
  readonly sessions: readonly ShellSession[]
  readonly notices: readonly ShellNotice[]
  /** In the order in which they are tried; the last session's policy has the rest. */
  readonly globs: readonly { readonly policy: string; readonly glob: string }[]
  /** Contexts whose credential was adopted under another policy than the globs say. */
  readonly contexts: readonly { readonly policy: string; readonly context: string }[]
}

export interface ShellSession {
  readonly policy: string
  /** Whose alone it is: its leader as `PID:START`, the start time in clock ticks; undefined where it is everybody's. */
  readonly terminal: string | undefined
  /** Undefined while locked. On the clock of /proc/uptime, in ms. */
  readonly open: { readonly endsMs: number; readonly warnsMs: number } | undefined
  readonly env: readonly string[]
}

export interface ShellNotice {
  /** Raised by one for each notice; a shell shows those above the last that it has seen. */
  readonly number: number
  /** One line, `kubeguard: …`. */
  readonly text: string
  /** Variables that the shell unsets. */
  readonly unset: readonly string[]
  /** Whom it concerns, as for a session. */
  readonly terminal: string | undefined
}

const shellStatusVersion = 1

/** A shell reads the file at each prompt, so it stays small; contexts and globs past this are left out. */
const mostBytes = 32 * 1024

/** What a folder of vaults may hold beside them would not be a policy's name. */
const policyName = /^[a-z0-9][a-z0-9._-]{0,62}$/

/**
 * The status file: lines of words, for shells that read it with what they have built in. Only the last word of
 * `glob`, `context` and `notice` may hold spaces. Times are whole seconds. What begins with `at PID:START` is for the shells of the
 * terminal whose session that process leads.
 */
export function formatShellStatus(status: ShellStatus): string {
  const sessions = status.sessions.filter(({ policy }) => policyName.test(policy))
  const told = [
    `kubeguard ${shellStatusVersion} ${status.daemon.pid} ${status.daemon.startTicks}`,
    ...sessions.map(formatSession),
    ...status.notices.flatMap(({ number, text, unset, terminal }) => [
      ...(unset.length > 0 ? [at(terminal, `unset ${number} ${unset.join(' ')}`)] : []),
      at(terminal, `notice ${number} ${text}`),
    ]),
  ]
  const known = [
    ...status.contexts.map(({ policy, context }) => `context ${policy} ${context}`),
    ...status.globs.map(({ policy, glob }) => `glob ${policy} ${glob}`),
  ].filter(isOneLine)
  return `${[...told.filter(isOneLine), ...withinLimit(known)].join('\n')}\n`
}

/** A line for one terminal's shells; the others pass it over. */
const at = (terminal: string | undefined, line: string): string =>
  terminal === undefined ? line : `at ${terminal} ${line}`

function formatSession({ policy, terminal, open, env }: ShellSession): string {
  const times =
    open === undefined ? 'locked 0 0' : `unlocked ${seconds(open.endsMs)} ${seconds(open.warnsMs)}`
  return at(terminal, ['session', policy, times, ...env].join(' '))
}

const seconds = (ms: number): number => Math.max(0, Math.round(ms / 1000))

/** No line may become two, and none may carry what a terminal obeys. */
const isOneLine = (line: string): boolean => !/[\p{Cc}\u2028\u2029]/u.test(line)

function withinLimit(lines: readonly string[]): string[] {
  let left = mostBytes
  return lines.filter((line) => {
    left -= 4 * (line.length + 1)
    return left > 0
  })
}
