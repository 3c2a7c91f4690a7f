import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { node, repository, TestTerminal, until } from '../../fixtures/terminal.ts'
import { SessionDaemon } from './session-daemon.ts'

/** `kubeguard unlock --for-command` as shim and plugin start it, beside real full-screen programs. */
const forCommand = `${node} --disable-sigusr1 ${repository}/dist/cli.cjs unlock --for-command prod`

let daemon: SessionDaemon
const terminals: TestTerminal[] = []

beforeEach(async () => {
  daemon = await new SessionDaemon().start()
})

afterEach(async () => {
  for (const terminal of terminals.splice(0)) terminal.close()
  await daemon.close()
})

/** A shell on a fresh terminal; `kubectl-stand-in` is what a locked shim does, and notes its exit code. */
function shell(commands: string): TestTerminal {
  const standIn = join(daemon.root, 'kubectl-stand-in')
  writeFileSync(
    standIn,
    `#!/bin/sh\n${forCommand} 2>>${daemon.root}/errors\necho "code $?" >>${daemon.root}/codes\n`,
    { mode: 0o755 },
  )
  const terminal = new TestTerminal(
    '/bin/dash',
    ['-c', commands.replaceAll('kubectl', standIn)],
    daemon.environment,
  )
  terminals.push(terminal)
  return terminal
}

const codes = (): string => read('codes')
const errors = (): string => read('errors')

function read(name: string): string {
  try {
    return execFileSync('cat', [join(daemon.root, name)], { stdio: ['ignore', 'pipe', 'ignore'] }).toString()
  } catch {
    return ''
  }
}

const ended = (count = 1): Promise<boolean> =>
  until('an exit code', () => codes().split('\n').length > count, { withinMs: 15_000 })

test('alone on the terminal it asks, and the shell gets its terminal back', async () => {
  const terminal = shell('kubectl; stty -a')
  await terminal.shows('passphrase for prod: ')
  await until('echo off', () =>
    execFileSync('stty', ['-a', '-F', (terminal.pty as unknown as { _pty: string })._pty]).includes(
      ' -echo ',
    ),
  )
  terminal.type('right\r')
  await ended()
  expect(codes()).toBe('code 0\n')
  expect(errors()).toMatch(/^kubeguard: prod unlocked, idle limit 5m, until .* at the latest\n$/)
  await terminal.shows(/icanon iexten echo /)
  expect(terminal.output).not.toContain('right')
})

test('beside fzf it refuses at once, and fzf gets every key', async () => {
  const terminal = shell(`kubectl | fzf --print-query > ${daemon.root}/query; echo fzf ended`)
  await ended()
  expect(codes()).toBe('code 77\n')
  expect(errors()).toContain("can't ask for the passphrase here")
  await terminal.shows('0/0')
  terminal.type('keys for fzf\r')
  await terminal.shows('fzf ended')
  expect(read('query')).toBe('keys for fzf\n')
  expect(daemon.passphrases).toEqual([])
  expect(daemon.requests).not.toContain('keeper.open')
})

test('beside less it refuses, and less takes its keys', async () => {
  const terminal = shell('kubectl | less; echo less ended')
  await ended()
  expect(codes()).toBe('code 77\n')
  terminal.type('q')
  await terminal.shows('less ended')
})

test('under watch it refuses each time, and watch goes on', async () => {
  const terminal = shell('watch -n 0.3 kubectl; echo watch ended')
  await ended(2)
  expect(codes()).toMatch(/^(code 77\n)+$/)
  expect(terminal.output).not.toContain('passphrase')
  terminal.type('\x03')
  expect(daemon.passphrases).toEqual([])
})

test('inside vim, started in the background, it refuses, and vim takes its keys', async () => {
  const terminal = shell(
    `vim -u NONE -N -c 'call system("kubectl")' -c 'call job_start(["kubectl"])'; echo vim ended`,
  )
  await ended(2)
  expect(codes()).toBe('code 77\ncode 77\n')
  terminal.type(':q!\r')
  await terminal.shows('vim ended')
})

test('a picker that starts late takes the terminal over: it refuses then', async () => {
  const terminal = shell('kubectl & asking=$!; sleep 1.5; stty -icanon; wait $asking; echo "it ended"')
  await terminal.shows('it ended', 15_000)
  expect(codes()).toBe('code 77\n')
  expect(daemon.passphrases).toEqual([])
})
