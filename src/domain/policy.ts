import type { Absorb } from './absorb.ts'
import type { Departure } from './departure.ts'
import type { DenyRule } from './deny-rules.ts'
import type { FactorSettings } from './factor.ts'
import type { EphemeralRules } from './policy-credential.ts'
import { strictestPolicies } from './default-policies.ts'
import { globMatches } from './glob.ts'

export type Scope = 'user' | 'terminal'

/** The rules for a set of contexts, parsed and complete. Times in milliseconds. */
export interface Policy {
  readonly name: string
  /** Globs over whole context names: `*` any run, `?` one character. First policy that matches wins. */
  readonly contexts: readonly string[]
  readonly idleMs: number
  readonly lifetimeMs: number
  readonly warnMs: number
  /** Is the desktop told of a lock that is near, too? */
  readonly notify: 'auto' | 'off'
  /** The key that speaks to kubeguard in a supervised stream: `none`, a mark, or Ctrl with a key, such as `^]`. */
  readonly escape: string
  /** One session for the account, or one for each terminal. */
  readonly scope: Scope
  /** What a lock does with an interactive stream that is supervised: ends it, or covers it and lets it go on. */
  readonly live: 'kill' | 'suspend'
  /** How long it may go on behind a lock screen. */
  readonly suspendForMs: number
  /** What locks besides its limits: signs that the person leaves. */
  readonly lockOn: readonly Departure[]
  readonly holders: 'expire' | 'end'
  /** Variables that a lock unsets in shells with the hook. */
  readonly env: readonly string[]
  /** May a person say that a job shall outlast an idle lock (`kubeguard hold`)? */
  readonly hold: 'allow' | 'never'
  /** How long an idle lock lets a client finish that is writing; 0 for not at all. */
  readonly finishMs: number
  /** What is done with a secret that another program writes into an adopted kubeconfig. */
  readonly absorb: Absorb
  /** What a lock wipes: names of `tokenCaches`, and paths or globs that begin with `~/`. */
  readonly wipe: readonly string[]
  /** What is run once a lock stands: commands for `/bin/sh -c`, in this order. */
  readonly onLock: readonly string[]
  /** After so many wrong passphrases in a row nothing is asked for a while. */
  readonly lockOutAfter: number
  /** How long that is, counted from the last of them. */
  readonly lockOutForMs: number
  /** What is run on a sign of misuse: commands for `/bin/sh -c`, in this order. */
  readonly onMisuse: readonly string[]
  /** Full path of a program that asks for the passphrase where there is no terminal; empty for none. */
  readonly pinentry: string
  /** Put credentials into their kubeconfigs while unlocked, for programs that can't use plugins: the weakest choice. */
  readonly materialize: boolean
  /** How clients come by a credential: from a plugin, which hands it to them, or by a gateway, which keeps it. */
  readonly access: 'plugin' | 'gateway'
  /** What no request through the gateway may do. */
  readonly deny: readonly DenyRule[]
  /** May a request through the gateway ask to be carried out as somebody else (`--as`)? */
  readonly impersonate: 'never' | 'allow'
  /** How one proves who one is: the factor that opens first, then what is checked beside it. */
  readonly unlock: readonly FactorSettings[]
  /** Clients get an identity made in the cluster for this session; undefined: what the vault holds. */
  readonly ephemeral?: EphemeralRules | undefined
}

/** The policies in force, in order; the last one matches every context. */
export type PolicySet = readonly Policy[]

/** Something wrong in a policy file. Line and column from 1. */
export interface PolicyProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  readonly cure: string
  /** Absent means `error`: the file is not used. A `warning` leaves it in force. */
  readonly severity?: 'error' | 'warning'
}

/** @returns the first policy with a glob that matches the whole context name, else the last one. */
export function policyForContext(policies: PolicySet, context: string): Policy {
  const found = policies.find((policy) => policy.contexts.some((glob) => globMatches(glob, context)))
  const last = policies.at(-1)
  if (last === undefined) return strictestPolicies()[0] as Policy
  return found ?? last
}

const productionWords = new Set(['prod', 'prd', 'production', 'live'])
const negations = new Set(['non', 'pre', 'no'])

/**
 * Does a context's name hold a word for production? Words end at `- _ . / : @`; one that follows
 * non, pre or no does not count (`non-prod`, `pre_production`).
 */
export function looksLikeProduction(context: string): boolean {
  const words = context.toLowerCase().split(/[-_./:@]/)
  return words.some((word, index) => productionWords.has(word) && !negations.has(words[index - 1] ?? ''))
}

export { defaultPolicies, loosestPolicy, proposedPolicies, strictestPolicies } from './default-policies.ts'
export { tighten } from './tighten-policies.ts'
