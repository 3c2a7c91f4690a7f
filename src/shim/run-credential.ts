import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { reachKeeper } from '../client/call.ts'
import type { KeeperLine } from '../client/call.ts'
import { errorCatalogue, GuardError } from '../domain/errors.ts'
import { sealProcess } from '../hardening/harden-process.ts'
import { checkSocket } from '../platform/safe-place.ts'
import { limits } from '../protocol/limits.ts'
import type { ReplyOf, RequestOf } from '../protocol/messages.ts'
import { askIssue, stillLocked, unreadable } from './ask.ts'
import { mayAsk, mayWait, runUnlock, standardTerminals } from './child.ts'
import { execInfoVersion } from './exec-info.ts'
import { fetchWrapped } from './run-wrapped.ts'
import { variable } from './inherited.ts'
import type { Inherited } from './inherited.ts'
import { Ended, say, writeAll } from './say.ts'

interface Wanted {
  readonly policy: string
  readonly credential: string
}

/** Prints the ExecCredential of one kubeconfig user: as native/credential.c. @throws Ended, GuardError */
export async function runCredentialPlugin(inherited: Inherited): Promise<void> {
  const wanted = readArguments(inherited)
  const { socket, ticket } = await obtainGrant(inherited, wanted)
  if (socket === undefined || ticket === undefined || socket.includes(0)) throw unreadable()
  // One that is not there any more is a session that ended: said by the call.
  if (existsSync(socket)) checkSocket(socket.toString())
  const apiVersion = execInfoVersion(variable(inherited, 'KUBERNETES_EXEC_INFO')?.toString())
  const keeper = await reachKeeper(socket, limits.replyTimeoutMs)
  const execCredential = await fetchFrom(inherited, keeper, { ticket, apiVersion }).finally(() =>
    keeper.close(),
  )
  try {
    await writeAll(1, execCredential)
  } catch (cause) {
    const cure = 'run the command again'
    throw new GuardError('internal', 'the credential can’t be written to standard output', { cure, cause })
  } finally {
    execCredential.fill(0)
  }
}

async function fetchFrom(
  inherited: Inherited,
  keeper: KeeperLine,
  request: RequestOf<'keeper.issue'>,
): Promise<Buffer> {
  const { execCredential } = await keeper.ask('keeper.issue', request)
  return execCredential ?? fetchWrapped(inherited, keeper, request.apiVersion)
}

function readArguments(inherited: Inherited): Wanted {
  const options = { policy: { type: 'string' }, credential: { type: 'string' } } as const
  try {
    const args = inherited.argv.slice(1).map(String)
    const { policy, credential } = parseArgs({ args, options }).values
    if (isName(policy) && isName(credential)) return { policy, credential }
  } catch {
    // Said below.
  }
  const usage = 'usage: kubeguard-credential --policy POLICY --credential ID'
  throw new GuardError('usage', usage, { cure: 'kubeconfig calls it; run: kubeguard adopt' })
}

/** The longest name that a message takes, in bytes. */
const nameBytes = 256

function isName(text: string | undefined): text is string {
  return text !== undefined && Buffer.byteLength(text) <= nameBytes
}

/**
 * Asks until the daemon allows it, with at most one prompt. A failed prompt has told the person why, on the
 * terminal; the daemon's second answer is the one line for the client. Where the same Ctrl-C ended the client,
 * nobody is left who needs it.
 */
async function obtainGrant(inherited: Inherited, wanted: Wanted): Promise<ReplyOf<'credential.issue'>> {
  const ask = (asked: boolean) => {
    const may = { mayAsk: mayAsk(inherited), mayWait: mayWait(inherited) }
    const request = { ...wanted, ttys: standardTerminals(), ...may, asked, waits: false }
    return askIssue(request, (text) => say(text, true))
  }
  let answer = await ask(false)
  if (answer.verdict === 'challenge') {
    const client = process.ppid
    const code = await runUnlock(answer.policy, 'terminal')
    if (code !== 0 && process.ppid !== client) throw new Ended(errorCatalogue.locked.exitCode)
    answer = await ask(true)
  }
  if (answer.verdict === 'challenge') throw stillLocked()
  sealProcess()
  return answer.reply
}
