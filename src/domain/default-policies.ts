import { lockOutRange } from './unlock-delay.ts'
import type { Policy, PolicySet } from './policy.ts'

const minute = 60_000
const hour = 60 * minute

/** Under the 15 minutes that PCI DSS 8.2.8 names, and a working day. */
export const defaultPolicy: Policy = {
  name: 'default',
  contexts: ['*'],
  idleMs: 14 * minute,
  lifetimeMs: 12 * hour,
  warnMs: minute,
  notify: 'auto',
  escape: '~',
  scope: 'user',
  live: 'kill',
  suspendForMs: 10 * minute,
  lockOn: ['suspend', 'screen-lock', 'logout'],
  holders: 'expire',
  env: [],
  hold: 'allow',
  finishMs: 0,
  absorb: 'auto',
  wipe: [],
  onLock: [],
  lockOutAfter: 10,
  lockOutForMs: 15 * minute,
  onMisuse: [],
  pinentry: '',
  materialize: false,
  access: 'plugin',
  deny: [],
  impersonate: 'never',
  unlock: [{ factor: 'passphrase' }],
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
export function strictestPolicies(): readonly [Policy] {
  return [{ ...productionPolicy, name: 'default', contexts: ['*'] }]
}

/**
 * What applies to contexts that the organisation's file does not name, and to fields that it does not say: nothing that
 * could make a policy stricter.
 */
export const loosestPolicy: Policy = {
  ...defaultPolicy,
  name: 'rest',
  idleMs: 24 * hour,
  lifetimeMs: 7 * 24 * hour,
  live: 'suspend',
  suspendForMs: 24 * hour,
  finishMs: hour,
  lockOn: [],
  absorb: 'off',
  lockOutAfter: lockOutRange.most,
  lockOutForMs: lockOutRange.shortestMs,
  materialize: true,
  impersonate: 'allow',
}
