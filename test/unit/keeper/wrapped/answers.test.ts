import { expect, test } from 'vitest'
import { GuardError } from '../../../../src/domain/errors.ts'
import { Answers, Slot } from '../../../../src/keeper/wrapped/answers.ts'
import type { WrappedItem } from '../../../../src/keeper/wrapped/identity.ts'

const startMs = 1_000_000_000
const at = (seconds: number) => ({ bootMs: 500_000 + seconds * 1000, wallMs: startMs + seconds * 1000 })
/** Started that many seconds after the first moment of these tests. */
const client = (pid: number, seconds = -100) => ({ pid, startTicks: at(seconds).bootMs / 10 })

const item = (endsInSeconds?: number): WrappedItem => ({
  id: 'prod.alice-1',
  policy: 'prod',
  file: '/k',
  user: 'alice',
  contexts: [],
  original: {},
  adoptedAtMs: 0,
  token: 'opaque',
  expiresAtMs: endsInSeconds === undefined ? undefined : startMs + endsInSeconds * 1000,
  exec: {
    apiVersion: 'v1',
    command: 'x',
    args: [],
    env: [],
    interactiveMode: 'Never',
    provideClusterInfo: false,
  },
})

function answered(given: WrappedItem): Slot {
  const slot = new Slot()
  slot.succeed(slot.run(client(1)), given, at(0))
  return slot
}

test('an answer is handed out until it has ten seconds left; one without an end for five minutes', () => {
  const ending = answered(item(900))
  expect(ending.answerFor(client(2), at(889))).toBeDefined()
  expect(ending.answerFor(client(2), at(891))).toBeUndefined()
  const unending = answered(item())
  expect(unending.answerFor(client(2), at(289))).toBeDefined()
  expect(unending.answerFor(client(2), at(291))).toBeUndefined()
})

test('a client that comes back long before its credential ends was refused with it', () => {
  const slot = answered(item(3_600))
  slot.given(client(2), startMs + 120_000)
  expect(slot.answerFor(client(2), at(5)), 'a young answer, all the same').toBeDefined()
  expect(slot.answerFor(client(2), at(20))).toBeUndefined()
  expect(slot.answerFor(client(3), at(20)), 'somebody else').toBeDefined()
  expect(slot.answerFor(client(2, -50), at(20)), 'another process of that pid').toBeDefined()
  expect(slot.answerFor(client(2), at(70)), 'one that renews early').toBeDefined()
})

test('a failure is for those who were there, for ten seconds', () => {
  const slot = new Slot()
  const error = new GuardError('plugin-failed', 'x')
  slot.fail(slot.run(client(1)), error, at(0))
  expect(slot.failureFor(client(2, -1), at(9))).toBe(error)
  expect(slot.failureFor(client(2, -1), at(11))).toBeUndefined()
  expect(slot.failureFor(client(2, 1), at(2)), 'one that was started since').toBeUndefined()
  slot.succeed(slot.run(client(3)), item(900), at(3))
  expect(slot.failureFor(client(2, -1), at(4))).toBeUndefined()
})

test('a runner that is gone ends its own turn, and nobody else’s', async () => {
  const slot = new Slot()
  const first = slot.run(client(1))
  const news = slot.news(60_000, new Promise(() => {}))
  slot.abandon(first)
  await news
  expect(slot.runner).toBeUndefined()
  const second = slot.run(client(2))
  slot.abandon(first)
  expect(slot.runner).toBe(second)
})

test('waiting ends with the client that waits, and after its time', async () => {
  const slot = new Slot()
  await slot.news(60_000, Promise.resolve())
  await slot.news(1, new Promise(() => {}))
  expect(slot.isIdle).toBe(true)
})

test('identities are few: the one that was asked for longest ago goes, but never one that is at work', () => {
  const answers = new Answers()
  const busy = answers.slot('busy')
  busy.run(client(1))
  const idle = answers.slot('idle')
  for (let count = 0; count < 300; count += 1) answers.slot(String(count))
  expect(answers.slot('busy')).toBe(busy)
  expect(answers.slot('idle')).not.toBe(idle)
})
