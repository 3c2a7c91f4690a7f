import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createPolicyCommands } from '../../../src/platform/run-policy-command.ts'
import { isRunning } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'

let home: string
const about = { KUBEGUARD_POLICY: 'prod', KUBEGUARD_REASON: 'idle' }
const log = { warn: vi.fn() }

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'kg-on-lock-'))
  vi.stubEnv('HOME', home).stubEnv('KUBEGUARD_HOME', join(home, 'guard'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true, force: true })
})

const run = (command: string, limitMs = 60_000) => createPolicyCommands({ log, limitMs }).run(command, about)
const textOf = (name: string): string => readFileSync(join(home, name), 'utf8')

test('runs by a shell in the home, with what it needs in the environment and nothing else', async () => {
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    .stubEnv('NODE_OPTIONS', '--no-warnings')
    .stubEnv('PATH', '/usr/bin:/bin')
  expect(await run('env >environment; pwd >folder')).toMatchObject({ ok: true, outcome: 'done', output: '' })
  expect(textOf('folder').trim()).toBe(home)
  const variables = Object.fromEntries(
    textOf('environment')
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  )
  expect(variables).toMatchObject({
    HOME: home,
    PATH: '/usr/bin:/bin',
    USER: expect.anything(),
    KUBEGUARD_POLICY: 'prod',
    KUBEGUARD_REASON: 'idle',
  })
  expect(Object.keys(variables)).not.toEqual(expect.arrayContaining(['AWS_SECRET_ACCESS_KEY']))
  expect(Object.keys(variables)).not.toEqual(expect.arrayContaining(['NODE_OPTIONS']))
})

test('has no terminal, an empty standard input, and a session of its own', async () => {
  const command =
    'cat; (: </dev/tty) 2>/dev/null && echo terminal; [ "$(ps -o sid= -p $$)" -eq $$ ] && echo own'
  expect(await run(command)).toMatchObject({ ok: true, output: 'own\n' })
})

test('tells how it ended, and the end of what it said', async () => {
  expect(await run('echo said; echo wrong >&2; exit 3')).toMatchObject({
    ok: false,
    outcome: 'exit code 3',
    output: expect.stringMatching(/said\n[^]*wrong\n/),
  })
  expect(await run('kill -9 $$')).toMatchObject({ ok: false, outcome: 'ended by SIGKILL' })
  const { output } = await run('yes | head -c 5000000; echo last')
  expect([output.length, output.endsWith('last\n')]).toEqual([2_048, true])
})

test('is ended in time with all that it started, whatever it ignores', async () => {
  const command = `trap '' TERM HUP; setsid sh -c 'echo $$ >grandchild; exec sleep 600' & while :; do sleep 600; done`
  const { ok, outcome } = await run(command, 1_500)
  expect([ok, outcome]).toEqual([false, 'ended after 1.5 s'])
  if (existsSync(join(home, 'grandchild')))
    await until('the end of its child', () => !isRunning(Number(textOf('grandchild'))))
})

test('is not waited for where what it left in the background holds its output', async () => {
  const { ok, tookMs } = await run('sleep 600 & echo $! >background')
  process.kill(Number(textOf('background')), 'SIGKILL')
  expect(ok).toBe(true)
  expect(tookMs).toBeLessThan(300_000)
})

test('can be ended by hand', async () => {
  const commands = createPolicyCommands({ log, limitMs: 600_000 })
  const running = commands.run('echo $$ >shell; sleep 600', about)
  await until('its start', () => existsSync(join(home, 'shell')) && textOf('shell') !== '')
  commands.end()
  expect(await running).toMatchObject({ ok: false, outcome: expect.stringMatching(/SIG/) })
})
