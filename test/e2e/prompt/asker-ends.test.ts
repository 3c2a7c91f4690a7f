import { expect, test } from 'vitest'
import { good, passphrase } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { kubectl } from '../../fixtures/tools.ts'
import {
  allEnded,
  codes,
  lockedHome,
  noted,
  notes,
  peopleIn,
  processAt,
  question,
  timesAsked,
} from './many.ts'

/** Whoever asks ends without an answer, while others wait: another one asks, or all fail; nobody hangs. */

const waiting = /default is locked: waiting for the passphrase/

test.each(['unlock --for-command', 'kubectl get pods'])(
  '“%s” is killed: the next terminal is asked, and its answer is for all',
  async (words) => {
    await using home = await lockedHome()
    using people = await peopleIn(home, 2)
    const [first, second] = [people[0]!, people[1]!]
    await first.answer('kubectl get pods', question)
    await second.answer(
      `${noted(`${kubectl()} get pods`, 'b')} & kubectl get pods; echo $? >~/code.a`,
      waiting,
    )
    process.kill(await processAt(first, words), 'SIGKILL')
    await until('the other terminal asked', () => question.test(second.output), { now: () => second.output })
    second.type(`${passphrase}\r`)
    await allEnded(home, 2)
    expect(codes(home)).toEqual(['0', '0'])
    // The terminal of the one that was killed is as it was.
    expect((await first.enter('stty -a')).shown).toMatch(/[^-]icanon[\s\S]*[^-]echo /)
  },
)

test('the terminal closes: the next one is asked', async () => {
  await using home = await lockedHome()
  using people = await peopleIn(home, 2)
  const [first, second] = [people[0]!, people[1]!]
  await first.answer('kubectl get pods', question)
  await second.answer('kubectl get pods; echo $? >~/code.a', waiting)
  first.terminal.hangUp()
  await until('the other terminal asked', () => question.test(second.output), { now: () => second.output })
  second.type(`${passphrase}\r`)
  await allEnded(home, 1)
  expect(codes(home)).toEqual(['0'])
})

test('Ctrl-Z: the next terminal is asked; a new command on the same one is not held up; fg goes on', async () => {
  await using home = await lockedHome()
  using people = await peopleIn(home, 2)
  const [first, second] = [people[0]!, people[1]!]
  await first.answer('kubectl get pods; echo "first"=$?', question)
  await second.answer('kubectl get pods; echo $? >~/code.a', waiting)
  await first.answer('\x1a', /Stopped[\s\S]*ready> $/)
  await until('the other terminal asked', () => question.test(second.output), { now: () => second.output })
  second.type('\x1a')
  await first.answer('kubectl get pods; echo "third"=$?', question)
  await first.answer(passphrase, /web-0[\s\S]*third=0/)
  second.type('fg\r')
  await until('the question again', () => timesAsked(second) === 2, { now: () => second.output })
  second.type(`${passphrase}\r`)
  await allEnded(home, 1)
})

test('the daemon is killed: those who wait fail at once, and the next command starts another one', async () => {
  await using home = await lockedHome()
  using people = await peopleIn(home, 2)
  const [first, second] = [people[0]!, people[1]!]
  await first.answer('kubectl get pods; echo "first"=$?', question)
  const jobs = Array.from({ length: 10 }, (_, job) => `${noted('kubectl get pods', String(job))} &`).join(' ')
  await second.answer(`${jobs} kubectl get pods; echo $? >~/code.last`, waiting)
  const pid = await home.daemonPid()
  process.kill(pid ?? 0, 'SIGKILL')
  await allEnded(home, 11, 10_000)
  expect(new Set(codes(home))).toEqual(new Set(['75']))
  expect(await first.answer(passphrase, /first=\d+/)).toMatch(/first=77/)
  await second.answer('kubectl get pods; echo "again"=$?', question)
  await second.answer(passphrase, /web-0[\s\S]*again=0/)
})

test('without a terminal: silent while a question is open, and the same answer; with PROMPT=never none', async () => {
  await using home = await lockedHome()
  using people = await peopleIn(home, 1)
  const person = people[0]!
  const without = (env: NodeJS.ProcessEnv = {}) =>
    home.run('/usr/bin/setsid', ['-w', 'kubectl', 'get', 'pods'], { env })
  expect(await without()).toMatchObject({ code: 77 })
  await person.answer('kubectl get pods; echo "code"=$?', question)
  const never = await without({ KUBEGUARD_PROMPT: 'never' })
  expect(never).toMatchObject({ code: 77 })
  const waits = without()
  let ended = false
  void waits.then(() => (ended = true))
  expect((await home.kubeguard(['status'])).code).toBe(77)
  expect(ended).toBe(false)
  await person.answer(passphrase, /web-0[\s\S]*code=0/)
  expect(good(await waits)).toMatchObject({ stderr: '' })
  await home.lock()

  // A no is meant for it as well.
  await person.answer('kubectl get pods; echo "code"=$?', question)
  const refused = without()
  await until('one that waits', async () => (await home.kubeguard(['status'])).code === 77)
  await person.answer('\x03', /code=77/)
  expect(await refused).toMatchObject({ code: 77 })
})

test('nobody answers within a minute: all are refused together', async () => {
  await using home = await lockedHome()
  using people = await peopleIn(home, 2)
  const [first, second] = [people[0]!, people[1]!]
  await first.answer(noted('kubectl get pods', 'a'), question)
  await second.answer(`${noted(`${kubectl()} get pods`, 'b')} & kubectl get pods; echo $? >~/code.c`, waiting)
  await allEnded(home, 3, 75_000)
  expect(codes(home)).not.toContain('0')
  expect(notes(home, 'err').join('')).toContain('nobody typed the passphrase in time')
  expect(second.output).toContain('default is locked, and the passphrase was asked for and not given')
  expect(timesAsked(...people)).toBe(1)
})
