import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { helm } from '../../fixtures/tools.ts'
import { isRunning } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { until } from '../../fixtures/terminal.ts'
import {
  askingJob,
  enterAsPerson,
  guardedHome,
  nextAnswer,
  reaches,
  sessionOf,
} from '../../fixtures/held-home.ts'

test('a held job is served over an idle lock, nobody else is, and a lock ends it', async () => {
  await using home = await guardedHome({ idle: '4s' })
  const job = askingJob(home, 'deploy')
  using person = await personIn(home)
  await home.unlock('default')
  const shown = await enterAsPerson(person, 'kubeguard hold 5m -- ./deploy', /may run until \d\d:\d\d/)
  expect(shown).toMatch(/default: deploy may run until/)

  const held = await reaches(home, 'held')
  expect(held.lockReason).toBe('idle')
  expect(held.holds).toMatchObject([{ kind: 'hold', program: 'dash' }])
  expect(await nextAnswer(job.log)).toBe('served')
  const refused = await home.kubectl(['get', 'pods'])
  expect(refused).toMatchObject({ code: 77, stdout: '' })
  expect(refused.stderr).toContain('kubeguard: default is locked since')
  expect((await home.realKubectl(['get', 'pods'])).code).not.toBe(0)
  expect((await home.run(helm(), ['list'])).code).not.toBe(0)
  const status = await home.kubeguard(['status', 'default'])
  expect(status.code).toBe(77)
  expect(status.stdout).toMatch(/held/)
  expect(status.stdout).toMatch(/default: dash \(\d+\) may run until \d\d:\d\d/)
  expect(await nextAnswer(job.log)).toBe('served')

  await home.lock()
  expect((await sessionOf(home)).state).toBe('locked')
  expect(await nextAnswer(job.log)).toBe('refused')
})

test('its time runs out: what it streams is ended, and the session is locked', async () => {
  await using home = await guardedHome({ idle: '3s' })
  using person = await personIn(home)
  await home.unlock('default')
  await enterAsPerson(person, 'kubeguard hold 20s -- kubectl exec web-0 -- sleep 600', /may run until/)
  const { live, holds } = await reaches(home, 'held')
  const stream = live.find(({ kind }) => kind === 'live')
  expect(stream).toMatchObject({ command: 'kubectl exec web-0', fate: 'held', namespace: 'default' })
  expect(holds).toMatchObject([{ pid: stream?.pid, kind: 'hold' }])
  expect(isRunning(stream?.pid ?? 0)).toBe(true)
  await reaches(home, 'locked')
  await until('the end of the stream', () => !isRunning(stream?.pid ?? 0))
})

test('the word ends with the job, and at the lifetime', async () => {
  await using home = await guardedHome({ idle: '3s', lifetime: '25s' })
  using person = await personIn(home)
  await home.unlock('default')
  await enterAsPerson(person, 'kubeguard hold 1h -- sleep 600', /may run until/)
  expect((await reaches(home, 'held')).heldLeftMs).toBeLessThan(25_000)
  expect((await reaches(home, 'locked')).lockReason).toBe('lifetime')
  person.type('\x03')
  await home.unlock('default')
  await enterAsPerson(person, 'kubeguard hold 1h -- sleep 14', /may run until/)
  await reaches(home, 'held')
  expect((await reaches(home, 'locked')).lockReason).toBe('idle')
})

test('one that runs already is held by its ID; what is not held is ended', async () => {
  await using home = await guardedHome({ idle: '6s' })
  using person = await personIn(home)
  await home.unlock('default')
  await person.enter(
    'kubectl port-forward pod/web-0 :8080 >/dev/null & kubectl logs -f web-0 >/dev/null & true',
  )
  const clients = await until('both streams', async () => {
    const { live } = await sessionOf(home)
    return live.length >= 2 && live
  })
  const pidOf = (verb: string): number => clients.find(({ command }) => command.includes(verb))?.pid ?? 0
  await enterAsPerson(person, `kubeguard hold 5m ${pidOf('port-forward')}`, /may run until/)
  const listed = await person.enter('kubeguard ps')
  expect(listed.shown).toMatch(/kubectl port-forward pod\/web-0 .*held until \d\d:\d\d/)
  expect(listed.shown).toMatch(/kubectl logs web-0.*ended/)
  for (const line of listed.shown.split('\r\n'))
    expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(100)
  await reaches(home, 'held')
  await until('the end of the other', () => !isRunning(pidOf('logs')))
  expect(isRunning(pidOf('port-forward'))).toBe(true)
  const unlocked = await person.enterAndUnlock('kubectl get pods')
  expect(unlocked.shown).toContain('Running')
  expect(isRunning(pidOf('port-forward'))).toBe(true)
})

test('it is a person’s word: not a script’s, not a shell’s, and only where the policy allows it', async () => {
  await using home = await guardedHome({ idle: '10m', more: '    hold: never\n' })
  await home.unlock('default')
  for (const args of [['hold', '5m', '--', 'true'], ['extend']]) {
    const run = await home.kubeguard(args)
    expect(run).toMatchObject({ code: 77, stdout: '' })
    expect(run.stderr).toMatch(/^kubeguard: this command has no terminal\n/)
  }
  using person = await personIn(home)
  const background = await person.enter('kubeguard extend & wait $!')
  expect(background).toMatchObject({ code: 77 })
  expect(background.shown).toContain('this command runs in the background')
  expect((await person.enter('kubeguard hold 5m -- bash')).shown).toContain('where a person works')
  const forbidden = await enterAsPerson(person, 'kubeguard hold 5m -- true; echo "code"=$?', /code=\d+/)
  expect(forbidden).toContain('the policy default allows no hold')
  expect(forbidden).toContain('code=77')
})

test('the job has its own arguments, environment, limits and exit code', async () => {
  await using home = await guardedHome({ idle: '10m' })
  using person = await personIn(home, { NODE_OPTIONS: '--no-warnings', root: 'mine' })
  await home.unlock('default')
  const job = `sh -c 'echo "[$NODE_OPTIONS] [$root] [$1]"; grep SigIgn /proc/self/status; exit 5' x '-- a  b'`
  const plain = await person.enter(job)
  await enterAsPerson(person, 'kubeguard hold 5m -- true; echo "code"=$?', /code=0/)
  const held = await person.enter(`kubeguard hold 5m -- ${job}`)
  expect(held.code).toBe(5)
  expect(held.shown).toContain('[--no-warnings] [mine] [-- a  b]')
  expect(held.shown).toContain(/SigIgn:\s*\S+/.exec(plain.shown)?.[0])
  expect((await person.enter('kubeguard hold --help -- false')).code).toBe(0)
})
