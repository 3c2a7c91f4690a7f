import { describeDeny } from './deny-rules.ts'
import { formatDuration } from './duration.ts'
import { describeCredential } from './policy-credential.ts'
import type { Policy } from './policy.ts'
import { describeUnlock } from './policy-unlock.ts'

/** A place in a policy file, counted from 1. */
export interface PolicyPlace {
  readonly line: number
  readonly column: number
}

/** Which keys of a policy its file says, and where; what is not there holds by itself. */
export type SaidKeys = ReadonlyMap<string, PolicyPlace>

export type PolicyFileKind = 'user' | 'organisation'

/** One rule that holds for a context, and whose word it is: nobody's where no file says it. */
export interface DecidedRule {
  readonly rule: string
  readonly value: string
  readonly by: readonly PolicyFileKind[]
}

/** What one file has for a context. */
export interface FileSays {
  readonly policy: Policy
  readonly said: SaidKeys
}

const list = (entries: readonly string[]): string => (entries.length === 0 ? 'nothing' : entries.join(', '))

const rules: Readonly<Record<string, (policy: Policy) => string | readonly string[]>> = {
  idle: ({ idleMs }) => formatDuration(idleMs),
  lifetime: ({ lifetimeMs }) => formatDuration(lifetimeMs),
  warn: ({ warnMs }) => formatDuration(warnMs),
  lockOn: ({ lockOn }) => lockOn,
  scope: ({ scope }) => scope,
  live: ({ live }) => live,
  suspendFor: ({ suspendForMs }) => formatDuration(suspendForMs),
  notify: ({ notify }) => notify,
  escape: ({ escape }) => escape,
  holders: ({ holders }) => holders,
  hold: ({ hold }) => hold,
  finish: ({ finishMs }) => formatDuration(finishMs),
  absorb: ({ absorb }) => absorb,
  materialize: ({ materialize }) => String(materialize),
  access: ({ access }) => access,
  deny: ({ deny }) => deny.map(describeDeny),
  impersonate: ({ access, impersonate }) => (access === 'gateway' ? impersonate : 'seen by no gateway'),
  env: ({ env }) => env,
  wipe: ({ wipe }) => wipe,
  onLock: ({ onLock }) => onLock,
  lockOutAfter: ({ lockOutAfter }) => String(lockOutAfter),
  lockOutFor: ({ lockOutForMs }) => formatDuration(lockOutForMs),
  onMisuse: ({ onMisuse }) => onMisuse,
  pinentry: ({ pinentry }) => (pinentry === '' ? 'off' : pinentry),
  unlock: ({ unlock }) => describeUnlock(unlock),
  credential: ({ ephemeral }) => describeCredential(ephemeral),
}

/**
 * Which file decided what. `result` is what holds for a context, the others what each file alone would have for it. A list
 * is whose entries it has; of a value that both files say alike both are named.
 */
export function decidedRules(
  result: Policy,
  user: FileSays,
  organisation: FileSays | undefined,
): DecidedRule[] {
  const files = [
    ['user', user],
    ['organisation', organisation],
  ] as const
  return Object.entries(rules).map(([rule, valueOf]) => {
    const value = valueOf(result)
    const agrees = (says: FileSays): boolean => {
      const own = valueOf(says.policy)
      return typeof own === 'string' ? own === value : own.length > 0
    }
    const by = files.filter(([, says]) => says?.said.has(rule) === true && agrees(says)).map(([kind]) => kind)
    const isUsers = typeof value !== 'string' || valueOf(user.policy) === value
    return {
      rule,
      value: typeof value === 'string' ? value : list(value),
      // Where its globs reach over several of the user's policies the strictest of these holds, by its word.
      by: by.length === 0 && !isUsers ? ['organisation'] : by,
    }
  })
}
