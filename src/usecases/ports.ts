import type { DenyRule } from '../domain/deny-rules.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { RequestOf } from '../protocol/messages.ts'
import type { JournalEvent } from '../domain/event.ts'
import type { DecidedRule } from '../domain/explain-policy.ts'
import type { FactorSettings } from '../domain/factor.ts'
import type { Hold } from '../domain/hold.ts'
import type { Ancestor } from '../domain/holder.ts'
import type { PolicyProblem, PolicySet } from '../domain/policy.ts'
import type { Instant } from '../domain/session.ts'
import type {
  AbsorbReport,
  AdoptReport,
  ChainReport,
  EjectReport,
  FailedBefore,
  JournalEntry,
  OpenReport,
  RevocationReport,
  SealedUser,
  SweepReport,
  UnmaterialiseReport,
} from '../protocol/reports.ts'

/** The outside world as interfaces. Use cases know nothing else of it; tests fake only these. */

export interface Clock {
  now(): Instant
}

/** Hears, from the machine's and the desktop's own services, that the person leaves. */
export interface DepartureWatch {
  /**
   * From now on: does it listen, and is sleep to wait until `seen` has resolved? Where neither, nothing is connected and
   * nothing runs. Never throws; where nobody can be asked nothing is heard.
   */
  set(wanted: { readonly listens: boolean; readonly delaysSleep: boolean }): void
  /** Called at each heartbeat: connects again where a service went away, and asks for what none tells of by itself. */
  look(): void
}

/** USER_HZ: the unit of times in /proc/PID/stat, 100 on every Linux architecture we build for (time(7)). */
export const ticksPerSecond = 100

/** A process, so named that a recycled pid is another one. */
export interface ProcessId {
  readonly pid: number
  /** Field 22 of /proc/PID/stat (proc_pid_stat(5)), in clock ticks since boot. */
  readonly startTicks: number
}

export interface ProcessFacts extends ProcessId {
  readonly ppid: number
  readonly pgrp: number
  readonly session: number
  /** Device number of the controlling terminal, 0 for none. */
  readonly ttyDevice: number
  readonly foregroundPgrp: number
  readonly state: string
  readonly program: string
  /** Arguments without argv[0], read for shells alone: they tell an interactive one from a script's. */
  readonly args?: readonly string[]
}

/** One client to end at a lock. */
export interface TreeRoot {
  readonly id: ProcessId
  /** Time between TERM and KILL. */
  readonly graceMs: number
  /** A holder: it alone is ended, its children only where they are roots themselves. */
  readonly alone?: boolean
  /** A supervisor behind a lock screen, which hides what it is: it mends the terminal, and is not stopped before. */
  readonly covers?: boolean
}

export interface ProcessTable {
  /** @returns undefined when the process is gone. */
  inspect(pid: number): ProcessFacts | undefined
  /** The process itself first, as given or found, then its parents; ends at pid 1 or at one that can't be seen. */
  ancestry(first: number | ProcessFacts): Iterable<Ancestor>
  /** A process that was looked at, then its parents by no more than their ids, each looked at only when it is asked for. */
  lineage(from: ProcessId & { readonly ppid: number }): Iterable<ProcessId>
  isAlive(id: ProcessId): boolean
  /** Does it run for a TAB key: `helm __complete …`, as cobra's completions call it? */
  isCompletion(pid: number): boolean
  /** The path of its program, without links; undefined where that can't be seen. */
  executable(pid: number): string | undefined
  /** Arguments without argv[0]; none where they can't be read. They may hold secrets: not for a log. */
  args(pid: number): readonly string[]
}

/** What is ended together, when its deadline passes or nobody is there to say that it has not. */
export interface WatchedSession {
  readonly name: string
  readonly deadlineBootMs: number
  readonly lifetimeWallMs: number
  readonly roots: readonly TreeRoot[]
}

/**
 * Ends clients, also when the daemon can't: what it watches is ended when the daemon is killed, stops or
 * hangs, or two seconds past the deadline.
 */
export interface Reaper {
  /** Takes a client in, before it is let go. One that is known moves to the session named. Never throws. */
  watch(root: TreeRoot, name: string): void
  /** Heartbeat: all that is to be ended with these sessions, and their deadlines as they stand. */
  live(sessions: readonly WatchedSession[]): void
  /**
   * Ends what is watched under this name, and these clients: freezes the trees, sends TERM and CONT, then KILL
   * after `graceMs`. Whom a lock never ends is not touched, nor what it started (src/domain/ending.ts).
   * Where any are spared, the other clients of that name stay watched, and so does what the spared started.
   * Resolves when none is left. @throws Error naming the pids that could not be ended.
   */
  end(name: string, roots: readonly TreeRoot[], spared?: readonly ProcessId[]): Promise<void>
  /** Ends what an earlier daemon, killed together with its reaper, left behind. @returns how many there were. */
  endLeftBehind(): Promise<number>
}

/** Real programs on a client's PATH. Paths are latin1 strings: one character, one byte. */
export interface Programs {
  /** The executables of that name, in PATH order, without our own shims; looked for as far as they are asked for. */
  onPath(tool: string, path: string): Iterable<string>
  /** Is there a shim of ours for a tool of this name? */
  hasShim(tool: string): boolean
}

/** When did a person last type at this terminal? */
export interface Terminals {
  /** Controlling terminal of a process, as a device on our own devpts; undefined for none. */
  ofProcess(facts: ProcessFacts): TerminalId | undefined
  /** Wall-clock ms of the latest input, or undefined where nothing can be said. */
  inputTimeMs(terminal: TerminalId, now: Instant): number | undefined
}

export interface TerminalId {
  readonly path: string
  readonly device: number
  /** Change time when first seen, in ns: a reused device number is another terminal. */
  readonly birthNs: bigint
}

export type JournalDetails = JournalEntry['details']

/** Wrong passphrases in a row. Wall-clock ms. */
export interface FailedUnlocks {
  readonly count: number
  readonly lastWallMs: number
  /** The first of them. */
  readonly sinceWallMs: number
  /** Where the last came from: `pts/3`, or `cron, without a terminal`. */
  readonly lastOn: string
  /** How long the next try waits, by the rules as they were then: looser ones shorten nothing. */
  readonly waitMs: number
}

export const noFailures: FailedUnlocks = {
  count: 0,
  lastWallMs: 0,
  sinceWallMs: 0,
  lastOn: '',
  waitMs: 0,
}

export interface Journal {
  /** Never throws: a full disk must not stop a lock. @returns false when the entry could not be kept. */
  record(entry: { event: JournalEvent; policy?: string; details?: JournalEntry['details'] }): boolean
  /** As `record`, but durable before it returns, all or none: a sync for each of thousands would take seconds. */
  recordDurably(
    ...entries: { event: JournalEvent; policy?: string; details?: JournalEntry['details'] }[]
  ): boolean
  read(query: {
    after?: number
    sinceMs?: number
    event?: string
    policy?: string
    limit: number
  }): JournalEntry[]
  verify(): ChainReport
  /** As `verify`, a part at a time. */
  check(): Promise<ChainReport>
  /** The hash of the newest entry, in hex; undefined where the journal can't be read. */
  head(): string | undefined
  /** Failed unlocks since the last success: kept over restarts. */
  failures(policy: string): FailedUnlocks
  setFailures(policy: string, failures: FailedUnlocks): boolean
  close(): void
}

/** What went through gateways; apart from the journal, which no number of requests may push anything out of. */
export interface RequestJournal {
  /** Never throws. */
  record(policy: string, request: RequestOf<'keeper.request'>): void
  read: Journal['read']
}

export interface PolicySource {
  /** The rules in force: the last good ones while a file is invalid. */
  current(): PolicySet
  problems(): readonly PolicyProblem[]
  files(): readonly { path: string; exists: boolean; kind: 'user' | 'organisation' }[]
  /** Which policies the organisation's file tightened, and what. */
  tightenedBy(policy: string): readonly string[]
  onChange(listener: () => void): void
}

/** Which policy file decided what. */
export interface PolicyOrigins {
  /** The rules in force for a context, each with the files whose word it is. */
  decidedFor(context: string): readonly DecidedRule[]
  /** Where the file whose word a rule is says it; of both the user's. Undefined where it holds by itself. */
  saidAt(context: string, rule: string): PolicySaid | undefined
}

export interface PolicySaid {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One kubeconfig file without its secrets. Names are raw: clean them before they reach a terminal. */
export interface Outline {
  readonly path: string
  /** The file behind symlinks. */
  readonly real: string
  readonly currentContext: string | undefined
  readonly contexts: readonly { name: string; cluster: string; user: string; namespace?: string }[]
  readonly users: readonly OutlineUser[]
}

export interface OutlineUser {
  readonly name: string
  /** `ours`: its exec entry is our plugin. */
  readonly kind: 'ours' | 'exec' | 'token' | 'client-certificate' | 'basic' | 'auth-provider' | 'none'
  /** What our exec entry names, also where something stands beside it. */
  readonly credential?: string
  readonly policy?: string
}

/** What an adoption did, and how it left the files. */
export interface Adoption {
  readonly report: AdoptReport
  readonly outlines: readonly Outline[]
}

export interface Kubeconfigs {
  /** Outlines in order; files that do not exist are left out. @throws GuardError kubeconfig-invalid */
  outlines(paths: readonly string[]): Promise<Outline[]>
  /** Wipes what should not be on disk any more. */
  sweep(order: {
    /** Kubeconfigs: what a killed run of ours left beside them. */
    paths: readonly string[]
    /** Token caches: paths and globs relative to the home. */
    places: readonly string[]
    /** Sessions that are over. */
    traces: readonly string[]
  }): Promise<SweepReport>
  /** Takes out of kubeconfigs what these sessions have put there. */
  unmaterialise(order: { traces: readonly string[] }): Promise<UnmaterialiseReport>
  adopt(job: {
    paths: readonly string[]
    users: readonly string[]
    dryRun: boolean
    /** Change nothing where a factor could do somebody's log-in: the report names it. */
    unlessLogIns?: boolean
    policies: PolicySet
    plugin: { command: string; env: Readonly<Record<string, string>> }
  }): Promise<Adoption>
  /** Puts users back as they were before a policy's factor did their log-in. `paths`, `users`: none means all. */
  giveBack(job: {
    paths: readonly string[]
    users: readonly string[]
    /** A new file for users whose place is gone. */
    to?: string
    dryRun: boolean
  }): Promise<EjectReport>
  /** Seals what other programs have written into these files, which one client reads together. */
  absorb(job: {
    paths: readonly string[]
    policies: PolicySet
    plugin: { command: string; env: Readonly<Record<string, string>> }
    leftOut: readonly LeftOutUser[]
  }): Promise<AbsorbReport>
}

/**
 * What open sessions have on disk, written down before they open: whoever ends one, or comes after a crash,
 * knows from it what is to be wiped. An id is `POLICY~16 hex digits`.
 */
export interface Traces {
  /** Durable when it returns. @throws GuardError disk-full, place-unsafe */
  begin(id: string, what: { readonly places: readonly string[]; readonly onLock: readonly string[] }): void
  /** Of a session that did not open after all. */
  drop(id: string): void
  /** Those that were not wiped yet, of open sessions too. */
  ids(): readonly string[]
  /** What these sessions have in kubeconfigs in plain text. */
  materialised(ids: readonly string[]): readonly { readonly user: string; readonly file: string }[]
}

export interface CommandResult {
  readonly ok: boolean
  /** `done`, `exit code 3`, `ended by SIGKILL`, `ended after 10 s`, … */
  readonly outcome: string
  readonly tookMs: number
  /** The end of what it wrote; it may hold anything. */
  readonly output: string
}

/** Runs what a policy lists under `onLock` or `onMisuse`. */
export interface PolicyCommands {
  /**
   * One command by `/bin/sh -c`, ended with all that it started when its time is over.
   * @param variables what it finds in its environment beside the usual; never a secret
   */
  run(command: string, variables: Readonly<Record<string, string>>): Promise<CommandResult>
  /** Ends what runs. */
  end(): void
}

/** A user that a person left in its file, or put back: it stays there while its kind is the same. */
export interface LeftOutUser {
  /** The file behind symlinks. */
  readonly file: string
  readonly user: string
  readonly kind: OutlineUser['kind']
}

/** Which users a person has left out; kept over restarts. */
export interface LeftOut {
  read(): readonly LeftOutUser[]
  /** The newest are kept where there are too many. */
  write(users: readonly LeftOutUser[]): void
}

/** Tells of files that another program has written to, replaced, made or removed. */
export interface FileWatch {
  /** From now on these and no others. Each is told of once at first. */
  watch(paths: readonly string[]): void
  /** A file was looked at; absent: as it was when it was told of last. */
  seen(path: string, stamp?: string): void
  onChange(listener: (path: string) => void): void
}

export type CredentialKind = 'token' | 'client-certificate' | 'token-and-client-certificate' | 'exec-plugin'

/** What is known of vaults without opening one. */
export interface VaultCatalogue {
  policies(): readonly string[]
  has(policy: string): boolean
  /** Credential ids by policy, from the names that are not secret. */
  credentials(policy: string): readonly string[]
  /** What a credential is; undefined for one that is not known. */
  kind(policy: string, credential: string): CredentialKind | undefined
  /** The contexts that used a credential when it was adopted; none for one that is not known. */
  contexts(policy: string, credential: string): readonly string[]
  /** Users whose credential a wrapped exec plugin gives, and its name for `pluginNamed`. */
  wrapped(policy: string): readonly { readonly user: string; readonly plugin: string }[]
  /** The kubeconfigs that credentials were taken from, by their real paths. */
  files(): readonly string[]
  /** Credentials that were sealed since the vault was last written with its key. */
  pending(policy: string): readonly SealedUser[]
}

export type KeeperMode = 'unlock' | 'create' | 'rewrap' | 'recovery-key' | 'eject' | 'move' | 'reset'

export interface KeeperOrder {
  readonly mode: KeeperMode
  readonly policies: readonly string[]
  readonly generation: number
  readonly paths: readonly string[]
  readonly users: readonly string[]
  /** The recovery key stands in the place of the passphrase. */
  readonly recovery?: boolean | undefined
  /** Mode eject: a new file for users whose place is gone. */
  readonly to?: string | undefined
  /** Mode unlock: one terminal's session, so the policy's name does not lead there. */
  readonly forTerminal?: boolean | undefined
  /** Modes unlock and move: how clients come by what is held. */
  readonly access?: 'plugin' | 'gateway' | undefined
  /** Mode unlock: what no request through a gateway may do. */
  readonly deny?: readonly DenyRule[] | undefined
  /** Mode unlock: whether requests through a gateway may be as somebody else. */
  readonly impersonate?: 'never' | 'allow' | undefined
  /** Mode unlock: what is to be proven, as the rules have it. */
  readonly unlock?: readonly FactorSettings[] | undefined
  /** Mode unlock: clients get an identity made in the cluster for this session. */
  readonly ephemeral?: EphemeralOrder | undefined
}

/** `credential: ephemeral`, with the role that was chosen. */
export interface EphemeralOrder {
  readonly role: string
  /** Where the role holds; empty: in the whole cluster. */
  readonly namespaces: readonly string[]
  /** The namespace of the sessions' own objects. */
  readonly home: string
  /** No session lives longer. */
  readonly lifetimeMs: number
}

/** A keeper process as the daemon sees it. */
export interface Keeper {
  readonly socket: string
  readonly pid: number
  /** The keeper has it before whoever is told of it can come. @throws GuardError internal */
  expect(ticket: Ticket): void
  /** A client that is recorded may fetch this credential through its own plugin, once and soon. @throws GuardError internal */
  vouch(voucher: Voucher): void
  live(deadlines: { deadlineBootMs: number; lifetimeWallMs: number }): Promise<void>
  /** From the answer on it serves these alone, and never more again. @throws GuardError internal */
  narrow(holds: readonly Hold[]): Promise<void>
  /** Called for each attempt; the answer is sent back to the keeper, and decides. */
  onOpened(listener: (opened: Opened) => OpenedAnswer): void
  /** Called for each credential that was vouched for and is given out. */
  onFetched(listener: (fetched: Fetched) => void): void
  onExit(listener: () => void): void
  /** SIGKILL; resolves when the process is gone. Locking is this call. */
  end(): Promise<void>
}

export interface Opened {
  readonly generation: number
  readonly failure: string | undefined
  readonly report: OpenReport | undefined
}

export type OpenedAnswer =
  | { readonly accepted: false; readonly refusal?: ErrorCode }
  | {
      readonly accepted: true
      readonly deadlineBootMs?: number
      readonly lifetimeWallMs?: number
      readonly untilWallMs?: number
      readonly idleMs?: number
      /** Put the credentials into their kubeconfigs, noted under this trace. */
      readonly materialise?: string
      readonly failedBefore?: FailedBefore
    }

export interface Ticket {
  readonly ticket: Buffer
  readonly client: ProcessId
  readonly purpose: 'open' | 'issue'
  readonly credential?: string
}

/** The daemon's word to a keeper, given with the gate's yes: this client may have this credential. */
export interface Voucher {
  readonly client: ProcessId
  readonly credential: string
}

export interface Fetched extends Voucher {
  /** Base name of the executable that the client runs by now. */
  readonly program: string
}

/** What revokers are at. */
export interface Revocations {
  /** Also what nobody is at any more, until its time is over. */
  pending(nowMs: number): RevocationReport[]
}

export interface Keepers {
  start(order: KeeperOrder): Promise<Keeper>
}

/** The machine's own log, which another account keeps. */
export interface Syslog {
  /** One line, without control characters; never waits, never throws. @returns whether it was taken. */
  warn(text: string): boolean
}

/** Wakes once at a moment of the boot clock, or earlier; nothing wakes while nothing is set. */
export interface Alarm {
  set(atBootMs: number | undefined): void
}

/** What shells read with what they have built in. */
export interface StatusFile {
  /** The clock of /proc/uptime in ms: shells read it there. */
  uptimeMs(): number
  /**
   * Writes soon: calls that come meanwhile become one. Then `written`, also where the text was there already
   * or could not be written.
   */
  post(render: () => string, written: () => void): void
}

/** Plain text without a secret: whoever looks over a shoulder reads it, and other programs of the account. */
export interface Notification {
  /** One short line. */
  readonly summary: string
  readonly body: string
  /** Desktops keep what is critical until somebody has seen it. */
  readonly urgency: 'low' | 'normal' | 'critical'
}

/** The desktop of whoever is logged in, where there is one. */
export interface Notifications {
  /** Never throws, never waits. Where there is no desktop nothing happens. */
  notify(notification: Notification): void
}

export interface Log {
  info(message: string, facts?: Record<string, string | number | boolean>): void
  warn(message: string, facts?: Record<string, string | number | boolean>): void
  error(message: string, facts?: Record<string, string | number | boolean>): void
}
