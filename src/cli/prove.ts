import { reachKeeper } from '../client/call.ts'
import type { KeeperLine } from '../client/call.ts'
import type { ClientAnswers, Meeting } from '../client/factor.ts'
import { GuardError } from '../domain/errors.ts'
import { clientFactor } from '../factors/client.ts'
import type { ReplyOf } from '../protocol/messages.ts'
import type { OpenReport } from '../protocol/reports.ts'

/** The longest that a keeper may be at work after an answer: it may wait for a person elsewhere. */
const answerMs = 11 * 60_000

interface Begun {
  readonly socket: Buffer
  readonly ticket: Buffer
  /** Empty where none is asked for. The caller zeroes it. */
  readonly passphrase: Buffer
}

/**
 * One attempt at a keeper: its questions are answered by the client's half of the factor that asks, until it is done.
 * @throws GuardError what the keeper refused with, or why a question has no answer here
 */
export async function prove({ socket, ticket, passphrase }: Begun, meeting: Meeting): Promise<OpenReport> {
  const keeper = await reachKeeper(socket, answerMs)
  const halves = new Map<string, ClientAnswers>()
  try {
    let reply = await keeper.ask('keeper.open', { ticket, passphrase })
    while (reply.report === undefined) reply = await answerOne(keeper, reply, halves, meeting)
    return reply.report as OpenReport
  } finally {
    keeper.close()
    for (const half of halves.values()) half.end()
  }
}

async function answerOne(
  keeper: KeeperLine,
  { factor = '', question = Buffer.alloc(0) }: ReplyOf<'keeper.open'>,
  halves: Map<string, ClientAnswers>,
  meeting: Meeting,
): Promise<ReplyOf<'keeper.answer'>> {
  const half = halves.get(factor) ?? (await clientFactor(factor))?.meet(meeting)
  if (half === undefined)
    throw new GuardError('protocol-error', 'the keeper asks what this client does not know')
  halves.set(factor, half)
  const answer = await whileThere(keeper, half.answer(question))
  try {
    return await keeper.ask('keeper.answer', { answer })
  } finally {
    answer.fill(0)
  }
}

/** A person may take minutes; a lock meanwhile is said at once. @throws GuardError unlock-superseded */
async function whileThere<Value>({ gone }: KeeperLine, work: Promise<Value>): Promise<Value> {
  const superseded = new GuardError('unlock-superseded', 'the session was locked meanwhile')
  let isGone = false
  const ended = gone.then((): never => {
    isGone = true
    throw superseded
  })
  const value = await Promise.race([work, ended])
  if (isGone) throw superseded
  return value
}
