import { existsSync } from 'node:fs'
import { callDaemon } from '../client/call.ts'
import type { CallOptions } from '../client/call.ts'
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

type SayWaiting = (text: string) => Promise<void>

/** The gate's question, as native/ask.c. `sayWaiting` is called with what there is to say of a wait. @throws as `judge` */
export function askGate(
  request: RequestOf<'gate.check'>,
  sayWaiting: SayWaiting,
): Promise<Answer<ReplyOf<'gate.check'>>> {
  return decided((waits, options) => callDaemon('gate.check', { ...request, waits }, options), sayWaiting)
}

/** The plugin's, likewise. @throws as `judge` */
export function askIssue(
  request: RequestOf<'credential.issue'>,
  sayWaiting: SayWaiting,
): Promise<Answer<ReplyOf<'credential.issue'>>> {
  return decided(
    (waits, options) => callDaemon('credential.issue', { ...request, waits }, options),
    sayWaiting,
  )
}

/** Asks until it is no more a matter of waiting for somebody else's prompt. */
async function decided<Reply extends Verdict>(
  ask: (waits: boolean, options: CallOptions) => Promise<Reply>,
  sayWaiting: SayWaiting,
): Promise<Answer<Reply>> {
  checkState()
  for (let waits = false; ; waits = true) {
    // A daemon that ends while many wait for it is not to be started by each of them.
    const reply = await ask(waits, { answerMs: limits.replyTimeoutMs, start: !waits })
    if (reply.verdict !== 'wait') return judge(reply)
    if (reply.message !== undefined) await sayWaiting(reply.message)
  }
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
