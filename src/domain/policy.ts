import { globMatches } from './glob.ts'

/** The rules for a set of contexts, parsed and complete. Times in milliseconds. */
export interface Policy {
  readonly name: string
  /** Globs over whole context names: `*` any run, `?` one character. First policy that matches wins. */
  readonly contexts: readonly string[]
  readonly idleMs: number
  readonly lifetimeMs: number
  readonly warnMs: number
  readonly live: 'kill'
  readonly holders: 'expire' | 'end'
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

const minute = 60_000
const hour = 60 * minute

/** Under the 15 minutes that PCI DSS 8.2.8 names, and a working day. */
const defaultPolicy: Policy = {
  name: 'default',
  contexts: ['*'],
  idleMs: 14 * minute,
  lifetimeMs: 12 * hour,
  warnMs: minute,
  live: 'kill',
  holders: 'expire',
}

const productionPolicy: Policy = { ...defaultPolicy, name: 'prod', idleMs: 5 * minute, lifetimeMs: 4 * hour }

/** The rules where there is no policy file. */
export function defaultPolicies(): PolicySet {
  return [defaultPolicy]
}

/**
 * The rules that `init` proposes: the strict ones for these contexts, the usual ones for the rest.
 * Context names are escaped by nothing: one that holds `*` or `?` matches itself and a little more.
 */
export function proposedPolicies(productionContexts: readonly string[]): PolicySet {
  if (productionContexts.length === 0) return defaultPolicies()
  return [{ ...productionPolicy, contexts: [...productionContexts] }, defaultPolicy]
}

/** The rules where a policy file can't be read and no good one has been seen: the strict ones, for all. */
export function strictestPolicies(): PolicySet {
  return [{ ...productionPolicy, name: 'default', contexts: ['*'] }]
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
