import { afterEach, beforeEach, expect, test } from 'vitest'
import { GuardError } from '../../../src/domain/errors.ts'
import { runProgram } from '../../fixtures/run-program.ts'
import type { Run } from '../../fixtures/run-program.ts'
import { node, repository, TestTerminal } from '../../fixtures/terminal.ts'
import { SessionDaemon } from './session-daemon.ts'

/** The command line against a small daemon: exit codes, messages, where the passphrase comes from. */
let daemon: SessionDaemon
const terminals: TestTerminal[] = []
const program = [node, '--disable-sigusr1', `${repository}/dist/cli.cjs`] as const

beforeEach(async () => {
  daemon = await new SessionDaemon().start()
})

afterEach(async () => {
  for (const terminal of terminals.splice(0)) terminal.close()
  await daemon.close()
})

function kubeguard(
  args: readonly string[],
  options: { fd3?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Run> {
  const [file, ...rest] = ['setsid', '-w', ...program, ...args]
  return runProgram(file, rest, { env: { ...daemon.environment, ...options.env }, fd3: options.fd3 })
}

function onTerminal(args: string): TestTerminal {
  const terminal = new TestTerminal(
    '/bin/dash',
    ['-c', `${program.join(' ')} ${args}; echo "code $?"`],
    daemon.environment,
  )
  terminals.push(terminal)
  return terminal
}

async function answer(terminal: TestTerminal, passphrase: string, time: number): Promise<void> {
  await terminal.shows(new RegExp(`(passphrase for prod: [^]*){${time}}`))
  // The question is written when echo is off and what was typed ahead is gone.
  terminal.type(`${passphrase}\r`)
}

test('a passphrase from a descriptor unlocks, and one line says so', async () => {
  const run = await kubeguard(['unlock', '--passphrase-fd', '3'], { fd3: 'right\n' })
  expect(run).toMatchObject({ code: 0, stdout: '' })
  expect(run.stderr).toMatch(/^kubeguard: prod unlocked, idle limit 5m, until .+ at the latest\n$/)
  expect((await kubeguard(['unlock', '--passphrase-fd', '3'], { fd3: 'right\n' })).stderr).toContain(
    'is unlocked already',
  )
})

test('a wrong one from a descriptor is tried once', async () => {
  const run = await kubeguard(['unlock', '--passphrase-fd', '3'], { fd3: 'wrong\nright\n' })
  expect(run.code).toBe(77)
  expect(run.stderr).toMatch(/^kubeguard: wrong passphrase\n.+\n$/)
  expect(daemon.passphrases).toEqual(['wrong'])
})

test('on a terminal there are three tries', async () => {
  const terminal = onTerminal('unlock')
  await answer(terminal, 'one', 1)
  await answer(terminal, 'two', 2)
  await answer(terminal, 'three', 3)
  await terminal.shows('code 77')
  expect(daemon.passphrases).toEqual(['one', 'two', 'three'])
})

test('the third may be right', async () => {
  const terminal = onTerminal('unlock')
  await answer(terminal, 'one', 1)
  await answer(terminal, 'two', 2)
  await answer(terminal, 'right', 3)
  await terminal.shows('code 0')
})

test('the delay after failures is said as the daemon says it', async () => {
  daemon.answers['session.unlock'] = () => {
    throw new GuardError('unlock-delayed', '3 wrong passphrases in a row: the next try is possible in 2 s')
  }
  const run = await kubeguard(['unlock', '--passphrase-fd', '3'], { fd3: 'right\n' })
  expect(run.code).toBe(77)
  expect(run.stderr).toBe(
    'kubeguard: 3 wrong passphrases in a row: the next try is possible in 2 s\nwait, then run: kubeguard unlock\n',
  )
})

test('without a terminal it fails at once, and starts no keeper', async () => {
  const run = await kubeguard(['unlock'])
  expect(run).toMatchObject({ code: 77, stdout: '' })
  expect(run.stderr).toContain("can't ask for the passphrase here: there is no terminal")
  expect(daemon.requests).toEqual(['session.status', 'policy.read'])
})

test('started with foreign settings of the runtime it starts itself anew without them', async () => {
  const env = { NODE_OPTIONS: '--title=foreign', SSL_CERT_FILE: '/nowhere', NODE_DEBUG: 'net' }
  const run = await kubeguard(['unlock', '--passphrase-fd', '3'], { fd3: 'right\n', env })
  expect(run.code).toBe(0)
})

test.each([
  [['unlok'], 'did you mean: unlock'],
  [['unlock', '--for', 'ever'], 'run: kubeguard --help'],
  [['unlock', 'prod', '--all'], 'run: kubeguard --help'],
  [['unlock', '--passphrase', 'x'], 'did you mean: --passphrase-fd'],
  [['unlock', '--passphrase-fd', 'x'], 'run: kubeguard --help'],
  [['unlock', '--passphrase-fd', '77'], 'feed one line'],
  [['status', 'nonsense'], 'run: kubeguard policy show'],
  [['adopt'], 'give --yes'],
])('%j is a usage mistake', async (args, cure) => {
  daemon.answers['kubeconfig.adopt'] = () => ({
    report: {
      dryRun: true,
      adopted: [
        {
          file: '/f',
          user: 'u',
          contexts: [],
          policy: 'prod',
          credential: 'c',
          kind: 'token',
          strength: 'local',
          advice: [],
        },
      ],
      left: [],
      diff: '',
      missingVaults: [],
      logIns: [],
      toMove: [],
    },
  })
  const run = await kubeguard(args)
  expect(run.code).toBe(64)
  expect(run.stderr).toMatch(/^kubeguard: .+\n.+\n$/)
  expect(run.stderr).toContain(cure)
})

test('status tells locked from unlocked by its exit code, and prints what the daemon says', async () => {
  const locked = await kubeguard(['status'])
  expect(locked.code).toBe(77)
  expect(locked.stdout).toMatch(/^prod +locked/m)
  daemon.unlocked = true
  const unlocked = await kubeguard(['status', '--json'])
  expect(unlocked.code).toBe(0)
  expect(JSON.parse(unlocked.stdout)).toMatchObject({
    schema: 1,
    sessions: [{ policy: 'prod', state: 'unlocked' }],
  })
})

test.each([
  'init',
  'unlock',
  'lock',
  'status',
  'adopt',
  'eject',
  'policy',
  'policy show',
  'log',
  'log verify',
  'passwd',
  'doctor',
  'daemon',
  'shell',
  'playground',
  'uninstall',
  'credential',
])('%s --help has an example', async (name) => {
  const run = await kubeguard([...name.split(' '), '--help'])
  expect(run).toMatchObject({ code: 0, stderr: '' })
  expect(run.stdout).toMatch(/\nExample:\n {2}(\$ |.*\| )?.*kubeguard/)
})
