import { expect, test } from 'vitest'
import type { ProcessFacts, ProcessId } from '../../../src/usecases/ports.ts'
import type { Asker } from '../../../src/usecases/question.ts'
import { Questions } from '../../../src/usecases/questions.ts'

const tty = 0x8803

/** Processes and a clock that the test moves; `tick` is the alarm's wake-up. */
function world() {
  const states = new Map<number, string>()
  const parents = new Map<number, number>()
  const at = { ms: 100_000 }
  const alarm: { due: number | undefined; wake: () => void } = { due: undefined, wake: () => {} }
  const facts = (pid: number): ProcessFacts => ({
    pid,
    startTicks: pid,
    ppid: 1,
    pgrp: pid,
    session: 1,
    ttyDevice: pid >= 9_000 ? 0 : pid < 1_000 ? tty : tty + 1,
    foregroundPgrp: pid,
    state: states.get(pid) ?? 'S',
    program: 'kubectl',
  })
  const isThere = (pid: number): boolean => states.get(pid) !== 'gone'
  const processes = {
    inspect: (pid: number) => (isThere(pid) ? facts(pid) : undefined),
    isAlive: ({ pid }: ProcessId) => isThere(pid),
    *lineage({ pid }: ProcessId) {
      for (let next: number | undefined = pid; next !== undefined; next = parents.get(next)) yield facts(next)
    },
  }
  const clock = { now: () => ({ bootMs: at.ms, wallMs: at.ms }) }
  const questions = new Questions({ clock, processes }, (wake) => {
    alarm.wake = wake
    return { set: (due) => (alarm.due = due) }
  })
  return {
    questions,
    states,
    parents,
    later(ms: number) {
      at.ms += ms
    },
    /** As the alarm does, and nothing where none is set. */
    tick() {
      const { due } = alarm
      alarm.due = undefined
      if (due === undefined) return false
      at.ms = Math.max(at.ms, due)
      alarm.wake()
      return true
    },
    facts,
    meet: (pid: number, more: Partial<Asker> = {}) =>
      questions.meet('prod', {
        facts: facts(pid),
        client: { pid, startTicks: at.ms / 10 },
        mayWait: true,
        mayAsk: () => true,
        ...more,
      }),
  }
}

const cannotAsk = { mayAsk: () => false }
const early = { client: { pid: 9, startTicks: 1 } }
const refused = (because: string) => ({ verdict: 'refuse', because })

test('one asks, the others wait; an unlock is an answer for all', async () => {
  const { meet, questions, facts } = world()
  expect(meet(2)).toEqual({ verdict: 'ask' })
  expect(meet(3)).toEqual({ verdict: 'wait' })
  expect(meet(4, cannotAsk)).toEqual({ verdict: 'wait' })
  const changed = questions.change('prod', facts(3))
  questions.answered('prod')
  await changed
  expect(meet(5)).toEqual({ verdict: 'ask' })
})

test('a question of one policy is no matter of another one', () => {
  const { meet, questions, facts } = world()
  meet(2)
  const asker = { facts: facts(3), client: facts(3), mayWait: true, mayAsk: () => true }
  expect(questions.meet('default', asker)).toEqual({ verdict: 'ask' })
})

test('a no refuses who waits, who had started, who comes within moments, and the rest of the job', async () => {
  const { meet, questions, facts, later, parents } = world()
  meet(2)
  meet(3)
  parents.set(20, 2)
  const changed = questions.change('prod', facts(3))
  questions.giveUp('prod', 20)
  await changed
  expect(meet(3)).toEqual(refused('given-up'))
  expect(meet(4)).toEqual(refused('given-up'))
  later(5_000)
  expect(meet(5, early)).toEqual(refused('given-up'))
  expect(meet(6, { facts: { ...facts(6), pgrp: 3 } })).toEqual(refused('given-up'))
  expect(meet(7)).toEqual({ verdict: 'ask' })
  questions.answered('prod')
  expect(meet(5, early)).toEqual({ verdict: 'ask' })
})

test.each(['given up', 'gone'])(
  'where there is no terminal, one that is %s is the last that asks until an unlock; a terminal still does',
  (end) => {
    const { questions, meet, states, later } = world()
    expect(meet(9_001)).toEqual({ verdict: 'ask' })
    if (end === 'gone') states.set(9_001, 'gone')
    else questions.giveUp('prod', 9_001)
    later(60_000)
    expect(meet(9_002)).toMatchObject({ verdict: 'refuse' })
    expect(meet(9_003)).toMatchObject({ verdict: 'refuse' })
    expect(meet(11)).toEqual({ verdict: 'ask' })
    questions.answered('prod')
    expect(meet(9_004)).toEqual({ verdict: 'ask' })
  },
)

test('a no of somebody who has not the turn is nobody’s answer', () => {
  const { meet, questions } = world()
  meet(2)
  questions.giveUp('prod', 55)
  expect(meet(3)).toEqual({ verdict: 'wait' })
  questions.giveUp('default', 2)
})

test.each(['gone', 'Z', 'T'])('whoever asks is %s: the next that may ask does', async (state) => {
  const { meet, questions, facts, states, tick } = world()
  meet(2)
  meet(3)
  let woken = false
  const changed = questions.change('prod', facts(3)).then(() => (woken = true))
  tick()
  await Promise.resolve()
  expect(woken).toBe(false)
  states.set(2, state)
  tick()
  await changed
  expect(meet(3)).toEqual({ verdict: 'ask' })
  // One that was stopped goes on asking, but it speaks for nobody any more.
  states.set(2, 'S')
  questions.giveUp('prod', 2)
  expect(meet(4)).toEqual({ verdict: 'wait' })
})

test('stopped and continued before anybody else could ask: it is still its turn', () => {
  const { meet, states } = world()
  meet(2)
  states.set(2, 'T')
  expect(meet(3, cannotAsk)).toEqual({ verdict: 'wait' })
  states.set(2, 'S')
  expect(meet(4)).toEqual({ verdict: 'wait' })
})

test('one that asked and comes again without an unlock gives the turn on', () => {
  const { meet } = world()
  meet(2)
  meet(3)
  expect(meet(2, { ...cannotAsk, mayWait: false })).toEqual(refused('locked'))
  expect(meet(3)).toEqual({ verdict: 'ask' })
})

test('in the background of a terminal it waits a moment for a question, without a terminal for none', () => {
  const { meet, facts, later } = world()
  const background = { ...cannotAsk }
  expect(meet(2, background)).toEqual({ verdict: 'wait' })
  later(1_999)
  expect(meet(2, background)).toEqual({ verdict: 'wait' })
  later(1)
  expect(meet(2, background)).toEqual(refused('locked'))
  const noTerminal = { ...cannotAsk, facts: { ...facts(3), ttyDevice: 0 } }
  expect(meet(3, noTerminal)).toEqual(refused('locked'))
  meet(4)
  expect(meet(3, noTerminal)).toEqual({ verdict: 'wait' })
  expect(meet(5, { ...cannotAsk, mayWait: false })).toEqual(refused('locked'))
})

test('nobody waits for ever, and not more than a limit', () => {
  const { meet, later, states } = world()
  meet(2)
  for (let pid = 3; pid < 3 + 256; pid += 1) expect(meet(pid)).toEqual({ verdict: 'wait' })
  expect(meet(500)).toEqual(refused('locked'))
  states.set(7, 'gone')
  expect(meet(501)).toEqual({ verdict: 'wait' })
  later(120_000)
  expect(meet(3)).toEqual(refused('waited-long'))
})

test('one that waited is as old as it was when it came', () => {
  const { meet, later, states } = world()
  const since: number[] = []
  const mayAsk = (sinceBootMs: number): boolean => since.push(sinceBootMs) > 0
  meet(2)
  meet(3, { mayAsk })
  later(60_000)
  states.set(2, 'gone')
  meet(3, { mayAsk })
  expect(since).toEqual([100_000])
})

test('each other terminal is told once where the question stands', () => {
  const { meet, questions, facts } = world()
  meet(2)
  expect(questions.newsFor('prod', facts(3))).toBeUndefined()
  expect(questions.newsFor('prod', { ...facts(4), ttyDevice: 0 })).toBeUndefined()
  expect(questions.newsFor('prod', facts(1_001))).toMatchObject({ pid: 2 })
  expect(questions.newsFor('prod', facts(1_002))).toBeUndefined()
})

test('an answer is held for five seconds; a client that was not told to wait is answered at once', async () => {
  const { meet, questions, facts, tick, later } = world()
  await questions.change('prod', facts(3))
  expect(tick()).toBe(false)
  meet(2)
  meet(3)
  const changed = questions.change('prod', facts(3))
  later(5_000)
  tick()
  await changed
  // Nothing wakes up while nobody waits.
  expect(tick()).toBe(false)
})

test('what changed while the client was on its way is not missed', async () => {
  const { meet, questions, facts } = world()
  meet(2)
  meet(3)
  questions.giveUp('prod', 2)
  await questions.change('prod', facts(3))
  expect(meet(3)).toEqual(refused('given-up'))
})
