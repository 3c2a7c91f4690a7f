import { existsSync } from 'node:fs'
import { callDaemon } from '../client/call.ts'
import { errorCatalogue, GuardError } from '../domain/errors.ts'
import { dirs } from '../platform/dirs.ts'
import { checkPlace } from '../platform/safe-place.ts'
import { limits } from '../protocol/limits.ts'
import type { ReplyOf, RequestOf } from '../protocol/messages.ts'
import { Ended } from './say.ts'

/** A challenge carries the policy's name, fit for a command line. */
export type Answer<Reply> =
  | { readonly verdict: 'allow'; readonly reply: Reply }
  | { readonly verdict: 'challenge'; readonly policy: string }

/**
 * The gate's question and the plugin's: what shim and plugin ask the daemon, as native/ask.c. @throws as
 * `judge`
 */
export async function askGate(request: RequestOf<'gate.check'>): Promise<Answer<ReplyOf<'gate.check'>>> {
  checkState()
  return judge(await callDaemon('gate.check', request, { answerMs: limits.replyTimeoutMs }))
}

/** @throws as `judge` */
export async function askIssue(
  request: RequestOf<'credential.issue'>,
): Promise<Answer<ReplyOf<'credential.issue'>>> {
  checkState()
  return judge(await callDaemon('credential.issue', request, { answerMs: limits.replyTimeoutMs }))
}

/** Who may write to the state folder may name another socket in it. @throws GuardError `place-unsafe` */
function checkState(): void {
  const { state } = dirs()
  if (existsSync(state)) checkPlace(state, 'private')
}

/** What every verdict carries. */
interface Verdict {
  readonly verdict: string
  readonly policy?: string | undefined
  readonly message?: string | undefined
  readonly exitCode?: number | undefined
}

/** It becomes an argument: a name can't be taken for a flag. */
const policyName = /^[a-z0-9][a-z0-9._-]*$/

/** @throws Ended for a denial, with the daemon's words; GuardError `protocol-error` for anything else. */
function judge<Reply extends Verdict>(reply: Reply): Answer<Reply> {
  const { verdict, policy, message, exitCode } = reply
  if (verdict === 'allow') return { verdict, reply }
  if (verdict === 'deny') throw new Ended(denialCode(exitCode), message)
  if (verdict !== 'challenge' || policy === undefined || !policyName.test(policy)) throw unreadable()
  return { verdict, policy }
}

const denialCode = (code: number | undefined): number =>
  code !== undefined && code <= 255 ? code : errorCatalogue.locked.exitCode

export function unreadable(): GuardError {
  return new GuardError('protocol-error', 'the daemon’s answer can’t be read')
}

/** A challenge after the unlock: what was unlocked is locked again already. */
export function stillLocked(): GuardError {
  return new GuardError('locked', 'still locked after the unlock')
}
