import { setTimeout as sleep } from 'node:timers/promises'
import type { KeeperLine } from '../client/call.ts'
import { GuardError } from '../domain/errors.ts'
import type { ReplyOf } from '../protocol/messages.ts'
import { standardTerminals } from './child.ts'
import type { Inherited } from './inherited.ts'
import { runForeign } from './run-foreign.ts'
import { Ended, linesOf } from './say.ts'

/** A credential that another exec plugin gives: as native/wrapped.c. @throws GuardError, Ended */
export async function fetchWrapped(
  inherited: Inherited,
  keeper: KeeperLine,
  apiVersion: string,
): Promise<Buffer> {
  const surroundings = {
    apiVersion,
    environment: [...inherited.environment],
    cwd: Buffer.from(cwd()),
    ttys: standardTerminals(),
  }
  for (;;) {
    const word = await untilEnd(keeper.ask('keeper.share', surroundings))
    if (word.execCredential !== undefined) return word.execCredential
    if (word.program !== undefined) return runAndDeliver(inherited, keeper, word)
    await sleep(word.pauseMs ?? 0)
  }
}

/** What it says goes back to the keeper, and nowhere else: a session that has ended takes it to nobody. */
async function runAndDeliver(
  inherited: Inherited,
  keeper: KeeperLine,
  word: ReplyOf<'keeper.share'>,
): Promise<Buffer> {
  const result = await runForeign(inherited, word, keeper.gone)
  if (result === 'nobody waits') throw ended()
  const { outcome, code, output } = result
  try {
    return (await untilEnd(keeper.ask('keeper.deliver', { outcome, code, output }))).execCredential
  } catch (error) {
    // Clients show the plugin's exit code: as if the keeper were not there.
    if (error instanceof GuardError && error.code === 'plugin-failed' && outcome === 'exited' && code !== 0)
      throw new Ended(code, linesOf(error).text)
    throw error
  } finally {
    output.fill(0)
  }
}

/** The keeper ends with its session: then it is gone between two answers. */
async function untilEnd<Reply>(reply: Promise<Reply>): Promise<Reply> {
  try {
    return await reply
  } catch (error) {
    throw error instanceof GuardError && error.code === 'daemon-unreachable' ? ended() : error
  }
}

const ended = (): GuardError =>
  new GuardError('ticket-refused', 'the session ended before the credential came')

function cwd(): string {
  try {
    return process.cwd()
  } catch {
    return ''
  }
}
