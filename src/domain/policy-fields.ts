import { readDeny } from './deny-rules.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { defaultPolicy } from './default-policies.ts'
import { readEscape } from './escape-key.ts'
import { absorbChoices } from './absorb.ts'
import type { Absorb } from './absorb.ts'
import type { Policy } from './policy.ts'
import { isGiven } from './given-credential.ts'
import { isMapping, refuseOtherKeys, shown } from './policy-document.ts'
import type { PolicyPath, Report } from './policy-document.ts'
import { factorKeys, readUnlock } from './policy-unlock.ts'
import { checkGateway, whyNotMaterialized } from './policy-conflicts.ts'
import { readPinentry } from './policy-pinentry.ts'
import { readEnv } from './policy-env.ts'
import { credentialKeys, readCredential } from './policy-credential.ts'
import { readCommands } from './policy-commands.ts'
import { readLockOn } from './policy-lock-on.ts'
import { readWipe } from './policy-wipe.ts'
import { lockOutRange } from './unlock-delay.ts'

/** The fields of a policy; docs/policy.md has a section for each, and test/unit/docs/policy-page.test.ts holds it to them. */
export const policyKeys = [
  'name',
  'contexts',
  'idle',
  'lifetime',
  'warn',
  'notify',
  'escape',
  'scope',
  'live',
  'suspendFor',
  'holders',
  'hold',
  'finish',
  'absorb',
  'unlock',
  'env',
  'wipe',
  'onLock',
  'lockOutAfter',
  'lockOutFor',
  'onMisuse',
  'pinentry',
  'materialize',
  'access',
  'deny',
  'impersonate',
  'lockOn',
  ...credentialKeys,
  ...factorKeys,
]

/** A policy's name is a folder's name too. */
const namePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/
const mostGlobs = 1_000
const longestGlob = 1_024

const secondMs = 1_000
/** Shorter is stricter and so allowed, but rarely meant. */
const usualShortestIdleMs = 30 * secondMs
const longestIdleMs = 24 * 3_600 * secondMs
/** A writer that needs longer is a job for `kubeguard hold`. */
const longestFinishMs = 3_600 * secondMs
const longestSuspendMs = 24 * 3_600 * secondMs
const longestLifetimeMs = 7 * 24 * 3_600 * secondMs

type Fields = Readonly<Record<string, unknown>>
type Limits = Pick<Policy, 'idleMs' | 'lifetimeMs' | 'warnMs'>

/** Reads one entry of `policies`. Every wrong field is reported; then there is no policy. */
export class PolicyFields {
  readonly #raw: unknown
  readonly #path: PolicyPath
  readonly #report: Report
  readonly #unsaid: Policy
  #failed = false

  /** `unsaid` has what holds for a field that is not there. */
  constructor(raw: unknown, path: PolicyPath, report: Report, unsaid: Policy = defaultPolicy) {
    this.#raw = raw
    this.#path = path
    this.#unsaid = unsaid
    this.#report = (at, message, cure, severity = 'error') => {
      this.#failed ||= severity === 'error'
      report(at, message, cure, severity)
    }
  }

  read(): Policy | undefined {
    const raw = this.#raw
    if (!isMapping(raw)) {
      this.#report(
        this.#path,
        'a policy must be a mapping with name and contexts',
        'see: kubeguard policy show',
      )
      return undefined
    }
    refuseOtherKeys(raw, this.#path, { known: policyKeys, later: [] }, this.#report)
    const name = this.#name(raw.name)
    const contexts = this.#contexts(raw.contexts, name)
    const limits = this.#limits(raw)
    this.#compare(raw, limits)
    const notify = this.#choice(raw, 'notify', ['auto', 'off'])
    const holders = this.#choice(raw, 'holders', ['expire', 'end'])
    const hold = this.#choice(raw, 'hold', ['allow', 'never'])
    const finishMs = this.#duration(raw, 'finish', this.#unsaid.finishMs, [0, longestFinishMs])
    const absorb = this.#choice(raw, 'absorb', absorbChoices)
    const materialize = this.#flag(raw, 'materialize')
    const access = this.#choice(raw, 'access', ['plugin', 'gateway']) ?? this.#unsaid.access
    const live = this.#choice(raw, 'live', ['kill', 'suspend'])
    const suspendForMs = this.#duration(raw, 'suspendFor', this.#unsaid.suspendForMs, [
      secondMs,
      longestSuspendMs,
    ])
    const scope = this.#choice(raw, 'scope', ['user', 'terminal'])
    const within: Report = (at, message, cure) => this.#report([...this.#path, ...at], message, cure)
    const escape = readEscape(raw.escape, defaultPolicy.escape, within)
    const env = readEnv(raw.env, within)
    const wipe = readWipe(raw.wipe, within)
    const onLock = readCommands('onLock', raw.onLock, within)
    const lockOn = readLockOn(raw.lockOn, this.#unsaid.lockOn, within)
    const onMisuse = readCommands('onMisuse', raw.onMisuse, within)
    const pinentry = readPinentry(raw.pinentry, within)
    const lockOutAfter = this.#count(raw, 'lockOutAfter', this.#unsaid.lockOutAfter)
    const lockOutForMs = this.#duration(raw, 'lockOutFor', this.#unsaid.lockOutForMs, [
      lockOutRange.shortestMs,
      lockOutRange.longestMs,
    ])
    const deny = readDeny(raw.deny, within)
    const impersonate = this.#choice(raw, 'impersonate', ['never', 'allow'])
    const unlock = readUnlock(raw, within)
    const ephemeral = readCredential(raw, within, isGiven(unlock))
    const isPerTerminal = scope === 'terminal'
    const rules = { unlock, isPerTerminal, isEphemeral: ephemeral !== undefined }
    const obstacles = whyNotMaterialized(rules)
    if (raw.materialize === true)
      for (const why of obstacles) within(['materialize'], `materialize: ${why}`, 'remove it')
    checkGateway({ ...rules, materialize: raw.materialize === true, access, deny, impersonate }, within)
    if (this.#failed) return undefined
    return {
      name,
      contexts,
      ...limits,
      notify: notify === 'off' ? 'off' : 'auto',
      escape,
      scope: isPerTerminal ? 'terminal' : 'user',
      live: (live ?? this.#unsaid.live) === 'suspend' ? 'suspend' : 'kill',
      suspendForMs,
      holders: holders === 'end' ? 'end' : 'expire',
      hold: hold === 'never' ? 'never' : 'allow',
      finishMs,
      absorb: (absorb as Absorb | undefined) ?? this.#unsaid.absorb,
      env,
      wipe,
      onLock,
      lockOutAfter,
      lockOutForMs,
      onMisuse,
      pinentry,
      // Unsaid in the organisation's file it is allowed, but not against what is said there.
      materialize: materialize && obstacles.length === 0,
      access: access === 'gateway' ? 'gateway' : 'plugin',
      deny,
      impersonate: (impersonate ?? this.#unsaid.impersonate) === 'allow' ? 'allow' : 'never',
      lockOn,
      unlock,
      ...(ephemeral !== undefined && { ephemeral }),
    }
  }

  /** A missing idle limit or warning gives way to the limits that are there; a lifetime is never stretched. */
  #limits(raw: Fields): Limits {
    const lifetimeMs = this.#duration(raw, 'lifetime', this.#unsaid.lifetimeMs, [secondMs, longestLifetimeMs])
    const idleMs = this.#duration(raw, 'idle', Math.min(this.#unsaid.idleMs, lifetimeMs), [
      secondMs,
      longestIdleMs,
    ])
    const usualWarnMs = Math.min(this.#unsaid.warnMs, Math.floor(idleMs / 2))
    return { lifetimeMs, idleMs, warnMs: this.#duration(raw, 'warn', usualWarnMs, [0, longestIdleMs]) }
  }

  #name(raw: unknown): string {
    if (typeof raw === 'string' && namePattern.test(raw)) return raw
    const message = raw === undefined ? 'the policy has no name' : `${shown(raw)} can't be a policy's name`
    this.#at('name', raw, message, 'use small letters, digits, dots, dashes and underscores, at most 63')
    return ''
  }

  #contexts(raw: unknown, name: string): readonly string[] {
    if (raw === undefined && name === 'default') return ['*']
    const cure = 'write: contexts: ["prod-*"]'
    if (!Array.isArray(raw) || raw.length === 0 || raw.length > mostGlobs) {
      const message =
        raw === undefined
          ? 'the policy names no contexts'
          : `contexts must be a list of 1 to ${mostGlobs} globs`
      this.#at('contexts', raw, message, cure)
      return []
    }
    raw.forEach((glob: unknown, index) => {
      if (typeof glob === 'string' && glob !== '' && glob.length <= longestGlob) return
      this.#report([...this.#path, 'contexts', index], `${shown(glob)} is no glob`, cure)
    })
    return raw as string[]
  }

  #duration(
    raw: Fields,
    key: string,
    otherwiseMs: number,
    [fromMs, toMs]: readonly [number, number],
  ): number {
    const value = raw[key]
    if (value === undefined) return otherwiseMs
    const durationMs = typeof value === 'string' ? parseDuration(value) : undefined
    if (durationMs === undefined) {
      const cure =
        typeof value === 'number'
          ? `write the unit: ${value}s, ${value}m or ${value}h`
          : 'write for instance 30s, 14m or 1h30m'
      this.#at(key, value, `${key}: ${shown(value)} is no duration`, cure)
      return otherwiseMs
    }
    if (durationMs < fromMs || durationMs > toMs) {
      const span = `from ${formatDuration(fromMs)} to ${formatDuration(toMs)}`
      this.#at(key, value, `${key}: ${shown(value)} is out of range`, `choose ${span}`)
      return otherwiseMs
    }
    return durationMs
  }

  #count(raw: Fields, key: string, otherwise: number): number {
    const value = raw[key]
    if (value === undefined) return otherwise
    const { least, most } = lockOutRange
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    this.#at(
      key,
      value,
      `${key}: ${shown(value)} is out of range`,
      `choose a number from ${least} to ${most}`,
    )
    return otherwise
  }

  #compare(raw: Fields, limits: Limits): void {
    const { idleMs, lifetimeMs, warnMs } = limits
    const [idle, lifetime] = [formatDuration(idleMs), formatDuration(lifetimeMs)]
    if (lifetimeMs < idleMs) {
      this.#at(
        'lifetime',
        raw.lifetime,
        `lifetime ${lifetime} is shorter than idle ${idle}`,
        `make lifetime at least ${idle}`,
      )
    }
    if (warnMs >= idleMs) {
      this.#at(
        'warn',
        raw.warn,
        `warn ${formatDuration(warnMs)} is not shorter than idle ${idle}`,
        'make warn shorter',
      )
    }
    if (idleMs < usualShortestIdleMs) {
      this.#report(
        [...this.#path, 'idle'],
        `idle ${idle} locks while you read`,
        'choose at least 30s',
        'warning',
      )
    }
  }

  #choice(raw: Fields, key: string, now: readonly string[]): string | undefined {
    const value = raw[key]
    if (value === undefined || now.includes(value as string)) return value as string | undefined
    this.#at(key, value, `${key}: ${shown(value)} is not known`, `choose ${now.join(' or ')}`)
    return undefined
  }

  #flag(raw: Fields, key: string): boolean {
    const value = raw[key]
    if (value === undefined || typeof value === 'boolean') return value ?? this.#unsaid.materialize
    this.#at(key, value, `${key}: ${shown(value)} is neither true nor false`, 'write true or false')
    return false
  }

  /** Reports at the key, or at the policy where the key is missing. */
  #at(key: string, value: unknown, message: string, cure: string): void {
    this.#report(value === undefined ? this.#path : [...this.#path, key], message, cure)
  }
}
