import type { DenyRule } from '../domain/deny-rules.ts'
import type { AuditRule, Severity } from '../domain/audit-rules.ts'
import type { ClientFate } from '../domain/ending.ts'
import type { JournalEvent, LockReason } from '../domain/event.ts'
import type { FactorSettings } from '../domain/factor.ts'
import type { EphemeralRules } from '../domain/policy-credential.ts'

/** The JSON documents that messages carry. `schema` is raised when a field changes its meaning. */

export interface SessionStatus {
  readonly policy: string
  readonly state: 'locked' | 'unlocking' | 'unlocked' | 'held'
  readonly contexts: readonly string[]
  readonly lockReason?: LockReason
  readonly lockedAtMs?: number
  readonly unlockedAtMs?: number
  readonly idleLeftMs?: number
  readonly lifetimeLeftMs?: number
  /** state `held`: until nothing is served any more. */
  readonly heldLeftMs?: number
  readonly idleMs: number
  readonly lifetimeMs: number
  readonly live: readonly LiveStatus[]
  /** What an idle lock leaves in peace, or has left: a person's word, or a writer that may finish. */
  readonly holds: readonly HoldStatus[]
  readonly failedUnlocks: number
  readonly hasVault: boolean
  readonly credentials: number
  /** Credentials that a wrapped exec plugin gives, and where it has them from: that outlives a lock. */
  readonly borrowed: readonly BorrowedUser[]
  /** `credential: ephemeral`: the roles that it offers, least first. */
  readonly roles?: readonly string[]
  /** While it is unlocked: the one that it was opened with. */
  readonly role?: string
  /** Sealed since the vault was last opened: shown at the next unlock. */
  readonly pending: readonly SealedUser[]
  /** In plain text in their kubeconfigs while it is open (`materialize`): the weakest choice. */
  readonly materialised: readonly { readonly user: string; readonly file: string }[]
}

export interface BorrowedUser {
  readonly user: string
  readonly plugin: string
  readonly sources: readonly string[]
}

export interface SealedUser {
  readonly user: string
  readonly file: string
  readonly sealedAtMs: number
}

export interface LiveStatus {
  readonly pid: number
  readonly kind: 'live' | 'holder'
  readonly program: string
  /** The program and what it does: `kubectl port-forward pod/web-0 :8080`, `helm upgrade`. */
  readonly command: string
  readonly context: string
  readonly sinceMs: number
  readonly hasTerminal: boolean
  /** What an idle lock would do, or has done, with it: `docs/architecture.md`, "Who is ended". */
  readonly fate: ClientFate
  /** fate `suspended`: until when it may go on behind the lock screen; absent while it is in sight. */
  readonly suspendedUntilMs?: number
  /** fate `held`: until when; absent for a writer while nothing has locked. */
  readonly heldUntilMs?: number
  readonly namespace?: string
  /** Since somebody typed at its terminal; absent where nothing can be said. */
  readonly idleMs?: number
  /** A supervised stream: bytes that came from its terminal, and that the program wrote. */
  readonly keysBytes?: number
  readonly outputBytes?: number
  /** holders without a terminal: when their credential ends. */
  readonly credentialEndsMs?: number
}

export interface HoldStatus {
  readonly pid: number
  readonly kind: 'hold' | 'finish'
  readonly program: string
  /** A writer's time begins at the idle lock: until then there is no end to name. */
  readonly untilWallMs?: number
}

export interface ExtendReport {
  readonly policy: string
  readonly idleLeftMs: number
  readonly lifetimeLeftMs: number
}

export interface EndReport {
  readonly ended: readonly { readonly pid: number; readonly program: string }[]
  readonly failures: readonly string[]
}

/** A sign that somebody else is at it. Text may hold what a process calls itself. Wall-clock ms. */
export interface MisuseSign {
  readonly sign: 'failed-unlocks' | 'locked-out' | 'journal-broken'
  readonly message: string
  readonly cure: string
  /** The first wrong passphrase in the row, and the last. */
  readonly sinceMs?: number
  readonly lastMs?: number
  /** sign `locked-out`: until when nothing is asked. */
  readonly untilMs?: number
}

/** Wrong passphrases before a success. */
export interface FailedBefore {
  readonly count: number
  readonly sinceMs: number
  readonly lastOn: string
}

export interface StatusReport {
  readonly schema: 1
  readonly currentContext?: string
  readonly currentPolicy?: string
  readonly sessions: readonly SessionStatus[]
  readonly problems: readonly string[]
  /** Signs of misuse that hold now. */
  readonly misuse: readonly MisuseSign[]
  /** Revocation pending. */
  readonly revocations: readonly RevocationReport[]
}

export interface LockReport {
  readonly policy: string
  readonly wasUnlocked: boolean
  readonly endedLive: number
  readonly endedHolders: number
  /** Steps that failed; a lock goes on past them. */
  readonly failures: readonly string[]
}

export interface SweepReport {
  /** Files that a killed run of ours had left beside a kubeconfig. */
  readonly removed: readonly string[]
  /** Files of token caches; not all are named where there are very many. */
  readonly wiped: readonly string[]
  readonly wipedFiles: number
  /** Users whose credential was taken out of their kubeconfig again. */
  readonly unmaterialised: readonly { readonly user: string; readonly file: string }[]
  /** What stays, and why. */
  readonly failures: readonly string[]
  /** `onLock` of sessions that are over, handed over once: no later sweep names them again. */
  readonly commands: readonly { readonly policy: string; readonly command: string }[]
}

/** What `materialize` put into kubeconfigs. */
export interface MaterialiseReport {
  readonly materialised: { user: string; file: string }[]
  readonly failed: { user: string; file: string; message: string; cure: string }[]
}

export interface UnmaterialiseReport {
  readonly unmaterialised: readonly { readonly user: string; readonly file: string }[]
  readonly failures: readonly string[]
}

export type Strength = 'cluster' | 'local' | 'borrowed'

export interface AdoptedUser {
  readonly file: string
  readonly user: string
  readonly contexts: readonly string[]
  readonly policy: string
  readonly credential: string
  /** `log-in`: nothing was sealed, the policy's factor logs in from now on. */
  readonly kind: 'token' | 'client-certificate' | 'token-and-client-certificate' | 'exec-plugin' | 'log-in'
  readonly strength: Strength
  /** strength `borrowed`: where the wrapped exec plugin has its own credentials. */
  readonly sources?: readonly string[]
  readonly expiresAtMs?: number
  /** Advice such as "rotate: the token was readable in the file until now". */
  readonly advice: readonly string[]
}

export interface LeftUser {
  readonly file: string
  readonly user: string
  readonly contexts: readonly string[]
  /** `already` ours, `exec` plugin that can’t be wrapped, `basic` auth (exec can't carry it), `given`: its policy has no vault, `none`: no secret. */
  readonly because: 'already' | 'exec' | 'basic' | 'auth-provider' | 'given' | 'none'
  readonly advice: readonly string[]
}

/** A user that is adopted already, and is to be served in another way. */
export interface MovingUser {
  readonly file: string
  readonly user: string
  readonly policy: string
  readonly access: 'plugin' | 'gateway'
  /** The API servers that its contexts lead to, with or without the gateway. */
  readonly servers: readonly string[]
}

/** A log-in of somebody else's that a factor could do as well, if a policy said so. No secret is in it. */
export interface FoundLogIn {
  readonly file: string
  readonly user: string
  /** Each with the policy that it has by now. */
  readonly contexts: readonly { readonly name: string; readonly policy: string }[]
  readonly program: string
  readonly factor: string
  /** What the policy would say at the factor's key. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Its client has a secret, which needs a file that the policy names. */
  readonly hasSecret: boolean
  /** PEM in base64, which needs a file that the policy names. */
  readonly authorities?: string
  /** As `wipe` has them. */
  readonly caches: readonly string[]
  /** Why it can't be taken over; none: it can. */
  readonly obstacles: readonly string[]
  readonly changes: readonly string[]
}

export interface AdoptReport {
  readonly dryRun: boolean
  readonly adopted: readonly AdoptedUser[]
  readonly left: readonly LeftUser[]
  readonly logIns: readonly FoundLogIn[]
  /** Token caches of log-ins that were taken over: files that are gone, and what stays, and why. */
  readonly wiped: readonly string[]
  readonly notWiped: readonly string[]
  /** Users that were adopted when their policy had another `access`: to be moved by the passphrase (`vault.open` in mode move). */
  readonly toMove: readonly MovingUser[]
  /** Unified diff of each file, secrets masked. */
  readonly diff: string
  /** Policies that need a vault first (`vault.open` in mode create). Nothing is changed while any is. */
  readonly missingVaults: readonly string[]
}

/** Users that are back in their files, or, of a dry run, would be. */
export interface EjectReport {
  readonly ejected: readonly { user: string; file: string; policy: string }[]
  /** What could not be put back, and so is still noted. */
  readonly failed: readonly { user: string; file: string; message: string; cure: string }[]
}

/** What became of kubeconfigs that another program had written to. Text is as the files have it. */
export interface AbsorbReport {
  readonly files: readonly AbsorbedFile[]
  readonly absorbed: readonly AdoptedUser[]
  /** Credentials that stay in their file. */
  readonly unguarded: readonly UnguardedUser[]
}

export interface AbsorbedFile {
  readonly path: string
  /** The file behind symlinks; absent where there is none. */
  readonly real?: string
  /** As the file was left: another one means that somebody wrote since. Absent where it was not read. */
  readonly stamp?: string
  /** Why it could not be looked at or changed. */
  readonly problem?: string
}

export interface UnguardedUser {
  readonly file: string
  readonly user: string
  readonly policy: string
  /** What it is, and how to go on. */
  readonly because: string
}

/** One way in which a credential outlives a session. Text from files is as it stands there. */
export interface AuditFinding {
  readonly rule: AuditRule
  readonly severity: Severity
  readonly message: string
  readonly cure: string
  readonly file: string
  /** From 1; absent where the finding is about the whole file. */
  readonly line?: number
  readonly column?: number
  readonly user?: string
  readonly contexts?: readonly string[]
}

export interface AuditReport {
  readonly schema: 1
  /** Worst first. */
  readonly findings: readonly AuditFinding[]
  /** Kubeconfigs that were read, those not in use included. */
  readonly kubeconfigs: number
  readonly users: number
  /** Where adopting would take a credential out of the file. */
  readonly adoptable: readonly { readonly file: string; readonly users: readonly string[] }[]
  /** Findings beyond what one report holds. */
  readonly leftOut: number
}

/** `name` and `role` where a session was opened for this user, else `message` and `cure`. */
export interface ClusterSessionReport {
  readonly user: string
  readonly file: string
  readonly role?: string
  /** Of its ServiceAccount: it stands in the API server's audit log. */
  readonly name?: string
  readonly message?: string
  readonly cure?: string
}

/** A session that is locked here, and whose objects its cluster still has. */
export interface RevocationReport {
  readonly policy: string
  readonly server: string
  readonly name: string
  readonly sinceMs: number
  /** No token of it is accepted any more from then on. */
  readonly untilMs: number
  /** False: nobody is at it any more; the next unlock takes it away. */
  readonly isTried: boolean
}

/** What the keeper tells the client after `keeper.open`. */
export interface OpenReport {
  readonly policies: readonly string[]
  readonly idleMs?: number
  readonly untilWallMs?: number
  /** Pending items that were sealed while locked and are merged now. */
  readonly merged?: readonly SealedUser[]
  readonly ejected?: readonly { user: string; file: string }[]
  /** Mode move: what is served as its policy’s `access` has become. */
  readonly moved?: readonly { user: string; file: string }[]
  /** What could not be put back or moved, and so is in its vault as it was. */
  readonly failed?: readonly { user: string; file: string; message: string; cure: string }[]
  /** In plain text in their kubeconfigs until the lock. */
  readonly materialised?: MaterialiseReport['materialised']
  /** What could not be put there, and so is served by the plugin alone. */
  readonly notMaterialised?: MaterialiseReport['failed']
  /** Why this session’s gateway does not run: its clients get no further than to it. */
  readonly gatewayDown?: { readonly message: string; readonly cure: string }
  /** Adopted when the policy had another `access`: they stay as they were. */
  readonly otherAccess?: readonly { readonly user: string; readonly file: string }[]
  /** Wrong passphrases before this success, whoever gave them. */
  readonly failedBefore?: FailedBefore
  /** `credential: ephemeral`: what was opened in each credential's cluster, or why nothing was. */
  readonly sessions?: ClusterSessionReport[]
  /** Files in a vault's `pending/` that its key does not open. */
  readonly setAside?: readonly string[]
}

export interface PolicyReport {
  readonly files: readonly { path: string; exists: boolean; kind: 'user' | 'organisation' }[]
  readonly policies: readonly {
    name: string
    contexts: readonly string[]
    idleMs: number
    lifetimeMs: number
    warnMs: number
    notify: string
    escape: string
    scope: string
    live: string
    suspendForMs: number
    holders: string
    hold: string
    finishMs: number
    absorb: string
    env: readonly string[]
    wipe: readonly string[]
    onLock: readonly string[]
    lockOutAfter: number
    lockOutForMs: number
    onMisuse: readonly string[]
    pinentry: string
    materialize: boolean
    access: string
    deny: readonly DenyRule[]
    impersonate: string
    lockOn: readonly string[]
    unlock: readonly FactorSettings[]
    ephemeral?: EphemeralRules | undefined
    tightenedBy: readonly string[]
  }[]
  readonly problems: readonly { file: string; line: number; column: number; message: string; cure: string }[]
  readonly lastGoodInForce: boolean
  readonly explained?: {
    context: string
    policy: string
    because: string
    /** Each rule that holds, and the files that say so: none where it holds unless one says otherwise. */
    decided: readonly { rule: string; value: string; by: readonly string[] }[]
  }
}

export interface JournalEntry {
  readonly seq: number
  readonly wallMs: number
  readonly event: JournalEvent
  readonly policy?: string
  /** Facts without secrets: reason, program, context, credential, pid, count. */
  readonly details: Readonly<Record<string, string | number | boolean>>
}

export interface ChainReport {
  readonly intact: boolean
  readonly entries: number
  readonly firstSeq?: number
  readonly head?: string
  /** The first entry that does not fit. */
  readonly brokenAt?: number
  readonly problem?: string
}

export interface DaemonReport {
  readonly version: string
  readonly protocol: number
  readonly pid: number
  readonly startedAtMs: number
  readonly socket: string
  readonly logFile: string
  /** A service manager has started it; older daemons don't say. */
  readonly byService?: boolean
  readonly problems: readonly string[]
}
