import type { Departure } from '../domain/departure.ts'
import type { EphemeralRules } from '../domain/policy-credential.ts'
import type { FactorSettings } from '../domain/factor.ts'
import { initialSession } from '../domain/session.ts'
import type { Instant, Session } from '../domain/session.ts'
import type { Keeper, ProcessId, TerminalId } from './ports.ts'

/** A process that a lock has to end: started by the shim and streaming, or given a credential. */
export interface Client {
  readonly id: ProcessId
  readonly kind: 'live' | 'holder'
  readonly program: string
  /** The program and what it does, as far as that can be told without quoting what may be secret. */
  readonly command: string
  readonly context: string
  /** Absent where it is not known: only kubectl's own command line and context tell. */
  readonly namespace?: string
  readonly since: Instant
  /** How long after TERM it may take before KILL. */
  readonly graceMs: number
  readonly hasTerminal: boolean
  /** All that it was ever given is good for this session's gateway alone. */
  readonly holdsPass?: boolean
  /** The gate has said that a supervisor goes between it and its terminal. */
  readonly supervised?: true
  /** A holder on the terminal of this supervisor: part of a stream that is known by the supervisor. */
  readonly within?: ProcessId
  readonly credentialEndsMs?: number
}

/** Streams that a lock has covered, with what they started that holds a credential; since the first lock that did. */
export interface Suspension {
  readonly since: Instant
  readonly forMs: number
  readonly clients: Map<string, Client>
}

/**
 * A terminal by its device and by who leads its session: a device number is used again, a session's leader with its
 * start time is not. The kernel takes it from its leader when it hangs up, and from all when the leader ends.
 */
export interface LedTerminal {
  readonly leader: ProcessId
  readonly device: number
}

/** The role of an ephemeral session, and the rules that offered it. */
export interface OpenedAs {
  readonly role: string
  readonly rules: EphemeralRules
}

/** One policy's session, or one terminal's of it, with all that hangs on it. */
export interface GuardedSession {
  /** Tells it from every other: its policy's name; of a terminal's, with that terminal. */
  readonly name: string
  readonly policy: string
  /** Whose alone it is (`scope: terminal`); undefined where it is the account's. */
  readonly terminal: LedTerminal | undefined
  session: Session
  keeper: Keeper | undefined
  /** Keepers whose passphrase has not come yet. */
  readonly attempts: Set<Keeper>
  readonly clients: Map<string, Client>
  /** None of `clients`: what goes on behind a lock screen. */
  suspended: Suspension | undefined
  /** With more clients than this, the dead among them are looked for. */
  lookAboveClients: number
  /** Where keys keep it open. */
  readonly terminals: Map<string, TerminalId>
  /** What it has on disk while it is open, and until its lock has wiped that, by the ids of its traces. */
  readonly traces: Set<string>
  /** It was unlocked since its `onLock` commands ran. */
  onLockDue: boolean
  /** What was proven when it was unlocked last. */
  provenBy: readonly FactorSettings[]
  /** How its keeper was told to serve clients. */
  access: 'plugin' | 'gateway'
  /** What its keeper opens in clusters; undefined where it serves what the vault holds. */
  openedAs: OpenedAs | undefined
  /** A lock ends holders without a terminal too: the rules said so at the unlock, or since. */
  endsHolders: boolean
  /** Signs of leaving that lock it: the rules named them at the unlock, or since. */
  lockOn: readonly Departure[]
  /** The ssh terminal at which it was unlocked; undefined where that was elsewhere. */
  remote: LedTerminal | undefined
  /** `sleptMs` of the clock when it was looked at last. */
  sleptMs: number
  /** What could not be done at the last lock: shown by status until the next unlock. */
  lockFailures: readonly string[]
}

export function guardedSession(policy: string, terminal?: LedTerminal): GuardedSession {
  return {
    name: terminal === undefined ? policy : `${policy} ${terminalKey(terminal)}`,
    policy,
    terminal,
    session: initialSession(),
    keeper: undefined,
    attempts: new Set(),
    clients: new Map(),
    suspended: undefined,
    lookAboveClients: 64,
    terminals: new Map(),
    traces: new Set(),
    onLockDue: false,
    provenBy: [],
    access: 'plugin',
    openedAs: undefined,
    endsHolders: false,
    lockOn: [],
    remote: undefined,
    sleptMs: 0,
    lockFailures: [],
  }
}

/** Does a lock end holders without a terminal too? */
export function endsHolders(
  table: { rules(policy: string): { readonly holders: 'expire' | 'end' } },
  guarded: GuardedSession,
): boolean {
  return guarded.endsHolders || table.rules(guarded.policy).holders === 'end'
}

/** All that `kubeguard ps` shows and `kubeguard kill` ends. */
export function allClients({ clients, suspended }: GuardedSession): Client[] {
  return [...clients.values(), ...(suspended?.clients.values() ?? [])]
}

/** For the journal: whose alone a session is, by the process that leads that terminal. */
export const leaderOf = ({ terminal }: GuardedSession): { leader?: number } =>
  terminal === undefined ? {} : { leader: terminal.leader.pid }

const terminalKey = ({ leader, device }: LedTerminal): string => `${device}:${clientKey(leader)}`

/** A pid is used again; a pid with its start time is not. */
export function clientKey(id: ProcessId): string {
  return `${id.pid}:${id.startTicks}`
}

/** More terminals than a person has; the oldest goes first. */
const terminalLimit = 64

/** Remembers a terminal that carried an allowed request: its keys keep the session open from now on. */
export function rememberTerminal(guarded: GuardedSession, terminal: TerminalId | undefined): void {
  if (terminal === undefined) return
  const key = `${terminal.device}:${terminal.birthNs}`
  if (guarded.terminals.has(key)) return
  if (guarded.terminals.size >= terminalLimit) {
    const oldest = guarded.terminals.keys().next().value
    if (oldest !== undefined) guarded.terminals.delete(oldest)
  }
  guarded.terminals.set(key, terminal)
}
