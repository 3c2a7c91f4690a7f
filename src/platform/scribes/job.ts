import type { ErrorCode } from '../../domain/errors.ts'
import type {
  SweepReport,
  AbsorbReport,
  AuditReport,
  EjectReport,
  MaterialiseReport,
  UnmaterialiseReport,
} from '../../protocol/reports.ts'
import type { Adoption, Kubeconfigs, Outline } from '../../usecases/ports.ts'
import type { FileIdentity } from './file-identity.ts'

/** What a scribe reads from stdin: one job, as one JSON document. Paths are absolute. */
export type ScribeJob =
  | MaterialiseJob
  | UnmaterialiseJob
  | OutlineJob
  | AdoptJob
  | AbsorbJob
  | RestoreJob
  | MoveJob
  | GiveBackJob
  | AuditJob
  | SweepJob
  | MaskJob

export interface OutlineJob {
  readonly job: 'outline'
  readonly paths: readonly string[]
}

export interface SweepJob extends SweepOrder {
  readonly job: 'sweep'
}

type SweepOrder = Parameters<Kubeconfigs['sweep']>[0]

export interface AdoptJob extends AdoptOrder {
  readonly job: 'adopt'
}

/** `users`: none means all. `paths`: in KUBECONFIG order, the first definition of a name wins. */
export type AdoptOrder = Parameters<Kubeconfigs['adopt']>[0]

export interface AbsorbJob extends AbsorbOrder {
  readonly job: 'absorb'
}

/** `paths`: in KUBECONFIG order, the first definition of a name wins. */
type AbsorbOrder = Parameters<Kubeconfigs['absorb']>[0]

/** Comes from the keeper alone: the items hold secrets. */
export interface RestoreJob {
  readonly job: 'restore'
  /** VaultItem, as the keeper has opened them. */
  readonly items: readonly unknown[]
  /** Further files to look for the credentials in, beside the ones that the items name. */
  readonly paths?: readonly string[]
  /** Where users whose place is gone are written: a new kubeconfig, which holds nothing else. */
  readonly to?: string
}

/** Comes from the keeper alone: the items hold secrets. */
export interface MoveJob {
  readonly job: 'move'
  /** VaultItem, as the keeper has opened them, all of this policy. */
  readonly items: readonly unknown[]
  readonly policy: string
  /** How the policy wants them to be served. */
  readonly access: 'plugin' | 'gateway'
  /** As in AdoptJob. */
  readonly paths: readonly string[]
}

export interface GiveBackJob extends GiveBackOrder {
  readonly job: 'give-back'
}

type GiveBackOrder = Parameters<Kubeconfigs['giveBack']>[0]

/** Comes from the keeper alone: the items hold secrets. */
export interface MaterialiseJob {
  readonly job: 'materialise'
  /** VaultItem, as the keeper has opened them. */
  readonly items: readonly unknown[]
  /** The session's: what is put into a file is noted there first. */
  readonly trace: string
}

export interface UnmaterialiseJob {
  readonly job: 'unmaterialise'
  readonly traces: readonly string[]
}

/** Comes from the command line, which compares a kubeconfig with itself; nothing is written. */
export interface MaskJob {
  readonly job: 'mask'
  readonly paths: readonly string[]
}

/** Comes from the command line: no daemon is needed, and nothing is written. */
export interface AuditJob {
  readonly job: 'audit'
  /** Kubeconfigs in force, or those that were named. */
  readonly paths: readonly string[]
  /** Where to look for stray kubeconfigs, caches and start-up files; absent: only the files themselves. */
  readonly home?: string
  /** kubectl's preferences: $KUBERC, else below the home. */
  readonly kuberc?: string
  /** Caches that a lock wipes: paths and globs relative to the home. */
  readonly wiped?: readonly string[]
  /** PATH, by which plugins without a full path are found. */
  readonly searchPath: string
}

export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly cure: string
}

/** One file's outline, or what is wrong with it; neither when there is no such file. */
export interface OutlinedFile {
  readonly path: string
  readonly outline?: Outline
  readonly failure?: Failure
  /** The file that was read; absent when a later write might not show in its identity. */
  readonly identity?: FileIdentity
}

/** What became of one item. One that failed is to stay in the vault, as it was. */
export type RestoredItem =
  | { readonly id: string; readonly ok: true; readonly file: string; readonly user: string }
  | ({ readonly id: string; readonly ok: false; readonly file: string; readonly user: string } & Failure)

/** A kubeconfig without its secrets. `path` is the real one. */
export interface MaskedFile {
  readonly path: string
  readonly mode: number
  readonly text: string
}

export interface ScribeResults {
  readonly 'outline': readonly OutlinedFile[]
  readonly 'adopt': Adoption
  readonly 'absorb': AbsorbReport
  readonly 'sweep': SweepReport
  readonly 'restore': readonly RestoredItem[]
  readonly 'move': readonly RestoredItem[]
  readonly 'give-back': EjectReport
  readonly 'audit': AuditReport
  readonly 'mask': readonly MaskedFile[]
  readonly 'materialise': MaterialiseReport
  readonly 'unmaterialise': UnmaterialiseReport
}

/** What a scribe writes to stdout. It never holds a secret. */
export type ScribeAnswer<Result> =
  | { readonly ok: true; readonly result: Result }
  | ({ readonly ok: false } & Failure)
