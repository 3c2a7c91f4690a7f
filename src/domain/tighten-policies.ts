import { describeDeny, unitedDeny } from './deny-rules.ts'
import { defaultPolicy } from './default-policies.ts'
import { allDepartures } from './departure.ts'
import { formatDuration } from './duration.ts'
import { globCovers, globsOverlap } from './glob.ts'
import { describeUnlock, strictestUnlock } from './policy-unlock.ts'
import { describeCredential, strictestCredential } from './policy-credential.ts'
import { strictestAbsorb } from './absorb.ts'
import type { Policy, PolicySet } from './policy.ts'

/**
 * The user's rules under the organisation's: for no context is the result looser than either.
 *
 * The organisation's own policies come first, so that its globs decide for their contexts; then the
 * user's, under what the organisation says for the rest. Each is given the strictest limits of all
 * that could apply to a context that reaches it: one whose globs all stand earlier can't.
 */
export function tighten(user: PolicySet, organisation: PolicySet): PolicySet {
  const wide = organisation.findIndex((policy) => policy.contexts.includes('*'))
  const own = wide < 0 ? organisation : organisation.slice(0, wide)
  const reachable = wide < 0 ? organisation : organisation.slice(0, wide + 1)
  const earlier = new Set<string>()
  return joinNamesakes(own, user).map((policy) => {
    const open = policy.contexts.filter((glob) => !earlier.has(glob))
    const applies = new Set<Policy>()
    for (const rules of [user, reachable]) {
      for (const glob of open) for (const rule of rulesFor(glob, rules, earlier)) applies.add(rule)
    }
    for (const glob of policy.contexts) earlier.add(glob)
    return strictest(policy, [...applies])
  })
}

/** A policy is a vault and a session, so one that both files name stays one; it keeps the first place. */
function joinNamesakes(own: PolicySet, user: PolicySet): Policy[] {
  const joined = new Map<string, Policy>()
  for (const policy of [...own, ...user.slice(0, -1)]) {
    const before = joined.get(policy.name)
    const contexts =
      before === undefined ? policy.contexts : [...new Set([...before.contexts, ...policy.contexts])]
    joined.set(policy.name, before === undefined ? policy : { ...strictest(before, [policy]), contexts })
  }
  // The user's last policy catches all the rest: in an earlier place it would catch everything.
  const last = user.at(-1)
  if (last === undefined) return [...joined.values()]
  const namesake = joined.get(last.name)
  joined.delete(last.name)
  if (namesake === undefined) return [...joined.values(), last]
  return [...joined.values(), { ...strictest(last, [namesake]), contexts: last.contexts }]
}

/** The rules that can be the first to match a context that this glob matches and no earlier one does. */
function rulesFor(glob: string, rules: PolicySet, earlier: ReadonlySet<string>): Policy[] {
  const covering = rules.findIndex((rule) => rule.contexts.some((other) => globCovers(other, glob)))
  const candidates = covering < 0 ? rules : rules.slice(0, covering + 1)
  return candidates.filter((rule) =>
    rule.contexts.some((other) => !earlier.has(other) && globsOverlap(other, glob)),
  )
}

/** A policy, with each field the strictest of its own and the others'. */
export function strictest(policy: Policy, others: readonly Policy[]): Policy {
  const all = [policy, ...others]
  const least = (field: 'idleMs' | 'lifetimeMs' | 'suspendForMs' | 'finishMs' | 'lockOutAfter'): number =>
    Math.min(...all.map((one) => one[field]))
  const united = (field: 'env' | 'wipe' | 'onLock' | 'onMisuse'): readonly string[] => [
    ...new Set(all.flatMap((one) => one[field])),
  ]
  const idleMs = least('idleMs')
  const lifetimeMs = least('lifetimeMs')
  const scope = all.some((one) => one.scope === 'terminal') ? 'terminal' : 'user'
  const access = all.some((one) => one.access === 'gateway') ? 'gateway' : 'plugin'
  const ephemeral = strictestCredential(all.map((one) => one.ephemeral))
  const chosenWarnMs = chosen(all, 'warnMs')
  const warnMs = chosenWarnMs < idleMs ? chosenWarnMs : Math.floor(idleMs / 2)
  // A lifetime under the idle limit ends the session first: no idle limit is ever longer.
  return {
    ...policy,
    idleMs: Math.min(idleMs, lifetimeMs),
    lifetimeMs,
    warnMs: Math.min(warnMs, lifetimeMs),
    escape: chosen(all, 'escape'),
    pinentry: chosen(all, 'pinentry'),
    // Nothing of it is stricter: whose desktop it is may want quiet.
    notify: all.some((one) => one.notify === 'off') ? 'off' : 'auto',
    holders: all.some((one) => one.holders === 'end') ? 'end' : 'expire',
    env: united('env'),
    hold: all.some((one) => one.hold === 'never') ? 'never' : 'allow',
    scope,
    live: all.some((one) => one.live === 'kill') ? 'kill' : 'suspend',
    suspendForMs: least('suspendForMs'),
    finishMs: least('finishMs'),
    absorb: strictestAbsorb(all.map((one) => one.absorb)),
    wipe: united('wipe'),
    onLock: united('onLock'),
    lockOutAfter: least('lockOutAfter'),
    lockOutForMs: Math.max(...all.map((one) => one.lockOutForMs)),
    onMisuse: united('onMisuse'),
    // What stands in a kubeconfig is there for every terminal, and past every gateway.
    materialize:
      scope === 'user' &&
      access === 'plugin' &&
      ephemeral === undefined &&
      all.every((one) => one.materialize),
    access,
    deny: unitedDeny(all.map(({ deny }) => deny)),
    impersonate: all.every((one) => one.impersonate === 'allow') ? 'allow' : 'never',
    lockOn: allDepartures(all.map((one) => one.lockOn)),
    unlock: strictestUnlock(all.map(({ unlock }) => unlock)),
    ...(ephemeral !== undefined && { ephemeral }),
  }
}

/** Of what is neither strict nor loose the first holds that is said: a file that does not say it leaves it to the other. */
function chosen<Field extends 'warnMs' | 'escape' | 'pinentry'>(
  all: readonly Policy[],
  field: Field,
): Policy[Field] {
  const usual = defaultPolicy[field]
  return all.map((one) => one[field]).find((value) => value !== usual) ?? usual
}

/** @returns in words what became stricter from one policy to its tightened self: `idle 14m, not 30m`. */
export function tightenings(before: Policy, after: Policy): string[] {
  const changes: string[] = []
  for (const [name, was, is] of [
    ['idle', before.idleMs, after.idleMs],
    ['lifetime', before.lifetimeMs, after.lifetimeMs],
    ['finish', before.finishMs, after.finishMs],
    ['suspendFor', before.suspendForMs, after.suspendForMs],
  ] as const) {
    if (is < was) changes.push(`${name} ${formatDuration(is)}, not ${formatDuration(was)}`)
  }
  if (before.holders !== after.holders) changes.push(`holders ${after.holders}, not ${before.holders}`)
  if (before.scope !== after.scope) changes.push(`scope ${after.scope}, not ${before.scope}`)
  if (before.live !== after.live) changes.push(`live ${after.live}, not ${before.live}`)
  if (before.absorb !== after.absorb) changes.push(`absorb ${after.absorb}, not ${before.absorb}`)
  const added = (name: 'env' | 'wipe' | 'onLock' | 'onMisuse' | 'lockOn'): void => {
    const known: readonly string[] = before[name]
    const more = after[name].filter((entry) => !known.includes(entry))
    if (more.length > 0) changes.push(`${name} ${more.join(', ')} too`)
  }
  for (const name of ['env', 'wipe', 'onLock', 'onMisuse'] as const) added(name)
  if (after.lockOutAfter < before.lockOutAfter)
    changes.push(`lockOutAfter ${after.lockOutAfter}, not ${before.lockOutAfter}`)
  if (after.lockOutForMs > before.lockOutForMs)
    changes.push(
      `lockOutFor ${formatDuration(after.lockOutForMs)}, not ${formatDuration(before.lockOutForMs)}`,
    )
  if (before.materialize !== after.materialize) changes.push('materialize false, not true')
  const denied = before.deny.map(describeDeny)
  const denies = after.deny.map(describeDeny).filter((rule) => !denied.includes(rule))
  if (denies.length > 0) changes.push(`deny ${denies.join('; ')} too`)
  if (before.impersonate !== after.impersonate)
    changes.push(`impersonate ${after.impersonate}, not ${before.impersonate}`)
  if (before.access !== after.access) changes.push(`access ${after.access}, not ${before.access}`)
  const [unlockedBy, isUnlockedBy] = [describeUnlock(before.unlock), describeUnlock(after.unlock)]
  if (unlockedBy !== isUnlockedBy) changes.push(`unlock ${isUnlockedBy}, not ${unlockedBy}`)
  const [served, isServed] = [describeCredential(before.ephemeral), describeCredential(after.ephemeral)]
  if (served !== isServed) changes.push(`credential ${isServed}, not ${served}`)
  added('lockOn')
  if (before.hold !== after.hold) changes.push(`hold ${after.hold}, not ${before.hold}`)
  return changes
}
