import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { node, repository, TestTerminal, until } from '../../fixtures/terminal.ts'

/** The question on a real pseudo-terminal, started from a real shell. */
const ask = `${node} ${repository}/test/fixtures/ask-passphrase.ts`
const terminals: TestTerminal[] = []

afterEach(() => {
  for (const terminal of terminals.splice(0)) terminal.close()
})

function bash(): TestTerminal {
  const environment = { ...process.env, PS1: 'ready> ', HISTFILE: '/dev/null', TERM: 'xterm-256color' }
  const terminal = new TestTerminal('/bin/bash', ['--norc', '--noprofile', '-i'], environment)
  terminals.push(terminal)
  return terminal
}

/** Commands on a fresh terminal; dash, unlike bash, never sets the terminal itself. */
function script(commands: string): TestTerminal {
  const terminal = new TestTerminal('/bin/dash', ['-c', commands], { ...process.env, TERM: 'xterm-256color' })
  terminals.push(terminal)
  return terminal
}

const terminalPath = (terminal: TestTerminal): string => (terminal.pty as unknown as { _pty: string })._pty

/** stty's view of the terminal from outside. */
const settings = (terminal: TestTerminal): string =>
  execFileSync('stty', ['-a', '-F', terminalPath(terminal)]).toString()

/** Runs a line without job control's own changes: bash's readline restores cooked mode while a command runs. */
async function begin(terminal: TestTerminal, line: string): Promise<void> {
  await terminal.shows('ready> ')
  terminal.type(`${line}\r`)
}

async function beginAsking(terminal: TestTerminal, line: string): Promise<void> {
  await begin(terminal, line)
  await terminal.shows('passphrase: ')
  await until('echo off', () => / -echo /.test(settings(terminal)))
}

test('what is typed is taken and never shown', async () => {
  const terminal = bash()
  await beginAsking(terminal, `${ask} person; echo code $?`)
  terminal.type('open sesame\r')
  await terminal.shows('code 0')
  expect(terminal.output).toContain(`got ${Buffer.from('open sesame').toString('hex')}`)
  expect(terminal.output).not.toContain('sesame\r')
  expect(terminal.output).not.toContain('open sesame')
})

test('the same letters typed in two spellings are one passphrase', async () => {
  const terminal = bash()
  await beginAsking(terminal, `${ask} person; echo code $?`)
  terminal.type('cafe\u0301\r')
  await terminal.shows('code 0')
  expect(terminal.output).toContain(`got ${Buffer.from('caf\u00e9').toString('hex')}`)
})

test('erasing and starting the line anew work as everywhere', async () => {
  const terminal = bash()
  await beginAsking(terminal, `${ask} person; echo code $?`)
  terminal.type('wrong\x15rightx\x7f\r')
  await terminal.shows('code 0')
  expect(terminal.output).toContain(`got ${Buffer.from('right').toString('hex')}`)
})

test('keys typed before the question are thrown away', async () => {
  const terminal = bash()
  await begin(terminal, `sleep 0.5; ${ask} person; echo code $?`)
  terminal.type('typed ahead\r')
  await terminal.shows('passphrase: ')
  await until('echo off', () => / -echo /.test(settings(terminal)))
  terminal.type('right\r')
  await terminal.shows('code 0')
  expect(terminal.output).toContain(`got ${Buffer.from('right').toString('hex')}`)
})

test('a line half typed at the time limit lands nowhere', async () => {
  const terminal = bash()
  await beginAsking(terminal, `${ask} person 1500; echo code $?`)
  terminal.type('half a passphr')
  await terminal.shows('code 77')
  expect(terminal.output).toContain('refused unlock-cancelled: nobody typed the passphrase in time')
  terminal.type('echo still here\r')
  await terminal.shows(/still here\s[\s\S]*still here/)
  expect(terminal.output).not.toContain('half a')
})

test.each([
  ['Ctrl-C', 'begun\x03'],
  ['Ctrl-\\', 'begun\x1c'],
  ['Ctrl-D', '\x04'],
  ['an empty line', '\r'],
])('%s cancels, and the terminal is as before', async (_name, keys) => {
  const terminal = script(`trap : INT QUIT; ${ask} person; echo "code $?"; sleep 20`)
  await terminal.shows('passphrase: ')
  await until('echo off', () => / -echo /.test(settings(terminal)))
  terminal.type(keys)
  await terminal.shows('code 77')
  expect(terminal.output).toContain('refused unlock-cancelled')
  expect(settings(terminal)).toMatch(/ icanon iexten echo /)
  expect(terminal.output).not.toContain('begun')
})

test('what is typed behind Ctrl-C is no answer, however late it is heard of', async () => {
  const terminal = script(`trap : INT; sh -c 'echo "pid $$"; exec ${ask} person'; echo "code $?"; sleep 20`)
  await terminal.shows('passphrase: ')
  await until('echo off', () => / -echo /.test(settings(terminal)))
  const asker = Number(/pid (\d+)/.exec(terminal.output)?.[1])
  process.kill(asker, 'SIGSTOP')
  terminal.type('begun\x03right\r')
  // Both are there when it goes on: the signal and the line.
  await until('the signal', () => /^ShdPnd:\s*0*[1-9a-f]/m.test(pendingOf(asker)))
  process.kill(asker, 'SIGCONT')
  await terminal.shows('code 77')
  expect(terminal.output).toContain('refused unlock-cancelled: cancelled')
})

const pendingOf = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'latin1')

test.each(['TERM', 'HUP'])('SIG%s puts the terminal back before it ends the program', async (signal) => {
  const terminal = script(`sh -c 'echo "pid $$"; exec ${ask} person'; echo "code $?"; sleep 20`)
  await terminal.shows('passphrase: ')
  await until('echo off', () => / -echo /.test(settings(terminal)))
  process.kill(Number(/pid (\d+)/.exec(terminal.output)?.[1]), `SIG${signal}`)
  await terminal.shows(/code \d+/)
  expect(terminal.output).toContain(`code ${signal === 'TERM' ? 143 : 129}`)
  expect(settings(terminal)).toMatch(/ icanon iexten echo /)
})

test('Ctrl-Z leaves a sane terminal, and fg asks again', async () => {
  const terminal = bash()
  await beginAsking(terminal, `${ask} person`)
  terminal.type('first half\x1a')
  await terminal.shows('Stopped')
  terminal.type('stty -a | grep -c " echo "; fg; echo code $?\r')
  await terminal.shows(/Stopped[\s\S]*passphrase: /)
  await until('echo off', () => / -echo /.test(settings(terminal)))
  terminal.type('right\r')
  await terminal.shows('code 0')
  expect(terminal.output).toContain(`got ${Buffer.from('right').toString('hex')}`)
})

test('a background job is refused at once, and does not stop', async () => {
  const terminal = bash()
  await begin(terminal, `${ask} person & wait $!; echo code $?`)
  await terminal.shows('code 77')
  expect(terminal.output).toContain('refused cannot-ask-here')
  expect(terminal.output).not.toContain('passphrase: ')
})

test('without a terminal it is refused at once', async () => {
  const terminal = bash()
  await begin(terminal, `setsid -w ${ask} person; echo code $?`)
  await terminal.shows('code 77')
  expect(terminal.output).toContain('there is no terminal')
})

test('KUBEGUARD_PROMPT=never forbids it', async () => {
  const terminal = bash()
  await begin(terminal, `KUBEGUARD_PROMPT=never ${ask} client; echo code $?`)
  await terminal.shows('code 77')
  expect(terminal.output).toContain('KUBEGUARD_PROMPT is never')
})

test('stdin and stdout may be pipes: only the terminal counts', async () => {
  const terminal = bash()
  await beginAsking(terminal, `echo from stdin | ${ask} client | cat; echo code $?`)
  terminal.type('right\r')
  await terminal.shows('code 0')
  expect(terminal.output).toContain(`got ${Buffer.from('right').toString('hex')}`)
})

test('settings changed by someone else meanwhile: refused, and left as they are', async () => {
  const terminal = script(`${ask} person; echo "code $?"; sleep 20`)
  await terminal.shows('passphrase: ')
  await until('echo off', () => / -echo /.test(settings(terminal)))
  execFileSync('stty', ['-F', terminalPath(terminal), '-icanon'])
  await terminal.shows('code 77')
  expect(terminal.output).toContain('another program took the terminal over')
  expect(settings(terminal)).toContain('-icanon')
})
