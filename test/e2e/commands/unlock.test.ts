import { expect, test } from 'vitest'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { kubeguard, sessionOf, statusOf } from './status.ts'

const unlockWith = (home: TestHome, fd3: string, ...args: string[]) =>
  home.kubeguard(['unlock', ...args, '--passphrase-fd', '3'], { fd3 })

test('--for shortens and never lengthens, --all opens every policy, an open one is said to be open', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m', lifetime: '30m' })
  await home.startPlayground()
  await home.init()

  // The passphrase is read once, for both.
  const all = good(await unlockWith(home, passphrase, '--all', '--for', '2h'))
  expect(all.stdout).toBe('')
  expect(all.stderr).toMatch(/kubeguard: prod unlocked, idle limit 10m, until \S+ at the latest/)
  expect(all.stderr).toMatch(/kubeguard: default unlocked/)
  for (const session of (await statusOf(home)).sessions) {
    expect(session.state).toBe('unlocked')
    expect(session.lifetimeMs).toBe(30 * 60_000)
    expect(session.lifetimeLeftMs).toBeLessThanOrEqual(30 * 60_000)
  }

  const again = good(await home.kubeguard(['unlock', 'prod']))
  expect(again.stderr).toMatch(/^kubeguard: prod is unlocked already, .*until \S+ at the latest\n$/)
  expect((await sessionOf(home, 'prod')).lifetimeMs).toBe(30 * 60_000)

  good(await unlockWith(home, passphrase, 'prod', '--for', '2s'))
  await until('the lock by the shortened lifetime', async () => {
    const { state, lockReason } = await sessionOf(home, 'prod')
    return state === 'locked' && lockReason === 'lifetime'
  })
  expect((await sessionOf(home, 'default')).state).toBe('unlocked')
  await home.unlock('prod', '--for', '2s')
  await until('the same at a new unlock', async () => (await sessionOf(home, 'prod')).state === 'locked')
})

test('refuses what it can’t do, and says how to go on', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  expect(await unlockWith(home, passphrase, 'nowhere')).toMatchObject({
    code: 64,
    stderr: 'kubeguard: no policy is named nowhere\nrun: kubeguard policy show\n',
  })
  expect(await unlockWith(home, passphrase, 'prod', '--all')).toMatchObject({ code: 64 })
  const badDuration = await unlockWith(home, passphrase, '--for', 'soon')
  expect(badDuration).toMatchObject({ code: 64 })
  expect(badDuration.stderr).toContain('30m')
  expect(await home.kubeguard(['unlock', '--passphrase-fd', 'three'])).toMatchObject({ code: 64 })
  // Nothing is read from standard input, and nobody waits for it.
  const piped = await home.kubeguard(['unlock'], { input: `${passphrase}\n` })
  expect(piped).toMatchObject({ code: 77 })
  expect(piped.stderr).toMatch(/^kubeguard: .+\n.+\n$/)
  expect((await statusOf(home)).sessions.every(({ state }) => state === 'locked')).toBe(true)
})

test('wrong passphrases: a clear message, and a growing delay that a restart does not shorten', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  for (let count = 1; count <= 3; count += 1) {
    const wrong = await unlockWith(home, 'not this one', 'default')
    expect(wrong).toMatchObject({ code: 77, stdout: '' })
    expect(wrong.stderr).toMatch(/wrong passphrase|does not open/i)
    expect(wrong.stderr).toContain('try again')
  }
  // After five the delay is longer than a restart takes on a slow machine.
  for (let count = 4; count <= 5; count += 1)
    await until(
      'another try',
      async () =>
        !(await unlockWith(home, 'not this one', 'default')).stderr.includes('the next try is possible'),
    )
  good(await home.kubeguard(['daemon', 'restart']))
  const delayed = await unlockWith(home, passphrase, 'prod')
  expect(delayed).toMatchObject({ code: 77 })
  expect(delayed.stderr).toMatch(
    /^kubeguard: 5 wrong passphrases in a row: the next try is possible in \d+ s\nwait, then run: kubeguard unlock\n$/,
  )
  const { failedUnlocks } = await sessionOf(home, 'default')
  expect(failedUnlocks).toBe(5)
  expect(
    good(await home.kubeguard(['log', '--event', 'unlock-failed', '--json'])).stdout.match(/\n/g),
  ).toHaveLength(5)
  await until(
    'the right one after the delay',
    async () => (await unlockWith(home, passphrase, 'default')).code === 0,
  )
  expect((await sessionOf(home, 'default')).failedUnlocks).toBe(0)
})

test('on a terminal a mistyped passphrase is asked again; Ctrl-C cancels; locks and unlocks are seen by status', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  using person = await personIn(home)
  await person.answer(`${kubeguard} unlock; echo "code"=$?`, /passphrase for default: $/)
  await person.answer('mistyped entirely', /try again, or press Ctrl-C[\s\S]*passphrase for default: $/)
  expect(await person.answer(passphrase, /code=\d/)).toMatch(/default unlocked[\s\S]*code=0/)
  expect(person.output).not.toContain('mistyped entirely')
  expect(person.output).not.toContain(passphrase)
  const lock = await person.enter(`${kubeguard} lock`)
  expect(lock).toMatchObject({ code: 0 })
  expect(lock.shown).toMatch(
    /prod was locked already[\s\S]*default locked|default locked[\s\S]*prod was locked already/,
  )
  await person.answer(`${kubeguard} unlock prod; echo "code"=$?`, /passphrase for prod: $/)
  const from = person.output.length
  person.type('\x03')
  // As any command that Ctrl-C ends (128 + SIGINT), or our own refusal.
  expect(await person.showsAfter(from, /code=\d+/)).toMatch(/code=(130|77)/)
  expect((await person.enter('stty -a')).shown).toMatch(/[^-]icanon[\s\S]*[^-]echo /)
  // Nobody is at it any more, and status does not say so either.
  await until('the end of the attempt', async () => (await sessionOf(home, 'prod')).state === 'locked', {
    withinMs: 5_000,
  })
})
