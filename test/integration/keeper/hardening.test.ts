import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { decodeError, encodeRequest } from '../../../src/protocol/frame.ts'
import { isRunning, TestHome } from '../../fixtures/home.ts'
import { runProgram } from '../../fixtures/run-program.ts'
import type { Account } from '../../fixtures/run-program.ts'
import { node, repository, until } from '../../fixtures/terminal.ts'
import { unprivilegedAccounts } from '../../fixtures/accounts.ts'
import { sendRaw } from './talk.ts'

const secret = 'token-that-nobody-else-may-read'
const asRoot = process.getuid?.() === 0

interface Started {
  readonly home: TestHome
  readonly pid: number
  readonly socket: string
  readonly other: Account | undefined
}

/** A keeper that holds `secret`, run by an account that is not root's where that can be had. */
async function startKeeper(): Promise<Started> {
  const { own, other } = unprivilegedAccounts()
  const home = new TestHome(own === undefined ? {} : { account: own })
  onTestFinished(() => home.dispose())
  const program = join(repository, 'test/integration/keeper/unlocked-keeper.ts')
  const child = spawn(node, [program, 'correct horse', secret], {
    cwd: '/',
    env: home.env,
    ...(own === undefined ? {} : { uid: own.uid, gid: own.gid }),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const line = await new Promise<string>((resolve) =>
    child.stdout.once('data', (text) => resolve(String(text))),
  )
  return { home, other, ...(JSON.parse(line) as { pid: number; socket: string }) }
}

/** Does this account get at the process by this command? */
async function gets(account: Account | undefined, file: string, ...args: string[]): Promise<boolean> {
  const run = await runProgram(file, args, { env: { PATH: process.env['PATH'] }, account, cwd: '/' })
  return run.code === 0
}

const attempts = (pid: number): [string, string[]][] => [
  ['/bin/cat', [`/proc/${pid}/maps`]],
  ['/bin/cat', [`/proc/${pid}/environ`]],
  ['/usr/bin/head', ['-c0', `/proc/${pid}/mem`]],
  ['/bin/ls', [`/proc/${pid}/fd/`]],
  ['/bin/readlink', [`/proc/${pid}/exe`]],
  ['/bin/sh', ['-c', `timeout -s INT 1 strace -o /dev/null -p ${pid} 2>&1 | grep attached`]],
]

/** Readable memory of a process, for those who may. */
function memoryHolds(pid: number, needle: string): boolean {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8')
      .split('\n')
      .filter((line) => / rw/.test(line))
      .some((line) => regionHolds(memory, line, needle))
  } finally {
    closeSync(memory)
  }
}

function regionHolds(memory: number, line: string, needle: string): boolean {
  const [from, to] = (line.split(' ')[0] ?? '').split('-').map((text) => Number.parseInt(text, 16)) as [
    number,
    number,
  ]
  const bytes = Buffer.alloc(Math.min(to - from, 256 * 1024 * 1024))
  try {
    return bytes.subarray(0, readSync(memory, bytes, 0, bytes.length, from)).includes(needle)
  } catch {
    return false
  }
}

/** Inodes of the TCP sockets that listen in this network namespace. */
const listening = (): string[] =>
  ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/net/${name}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => `socket:[${fields[9]}]`),
  )

describe('an unlocked keeper', () => {
  test('can’t be read, attached to or dumped by its own account or another', async () => {
    const { pid, other, home } = await startKeeper()
    // What they look for is there: only root may see it.
    if (asRoot) expect(memoryHolds(pid, secret)).toBe(true)
    for (const account of asRoot ? [home.account, other] : [undefined]) {
      for (const [file, args] of attempts(pid))
        expect([args, await gets(account, file, ...args)]).toEqual([args, false])
    }
    expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m)
    expect(isRunning(pid)).toBe(true)
  })

  test('answers no other account, root included', async () => {
    const { socket, other } = await startKeeper()
    const request = encodeRequest('keeper.issue', { ticket: Buffer.alloc(32), apiVersion: 'v1' })
    const connect = `require('net').connect('${socket}').on('error', (error) => (console.log(error.code), process.exit(4)))`
    if (asRoot) {
      expect(await sendRaw(socket, request)).toEqual([])
      const run = await runProgram(node, ['-e', connect], { env: {}, account: other, cwd: '/' })
      expect([run.code, run.stdout]).toEqual([4, 'EACCES\n'])
    } else
      expect(decodeError((await sendRaw(socket, request))[0]?.body as Buffer).code).toBe('ticket-refused')
  })

  test('the same attempts get at a process that is not hardened', async () => {
    const { home } = await startKeeper()
    const pid = home.start('/bin/sleep', ['60'])
    await until('the program to be there', () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n')
    for (const [file, args] of attempts(pid))
      expect([args, await gets(home.account, file, ...args)]).toEqual([args, true])
  })

  test('opens no debugger on SIGUSR1, whoever sends it', async () => {
    const { pid, home } = await startKeeper()
    const before = listening()
    expect(await gets(home.account, '/bin/kill', '-USR1', String(pid))).toBe(true)
    expect(await gets(home.account, '/bin/kill', '-USR1', String(pid))).toBe(true)
    const endsAt = performance.now() + 1_000
    while (performance.now() < endsAt && isRunning(pid)) {
      const fds = asRoot
        ? readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
        : listening()
      expect(fds.filter((fd) => listening().includes(fd) && !before.includes(fd))).toEqual([])
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })
})

test.each([
  { variable: { NODE_OPTIONS: '--inspect=127.0.0.1:0' }, flags: ['--disable-sigusr1'], says: 'NODE_OPTIONS' },
  { variable: { LD_LIBRARY_PATH: '/nowhere' }, flags: ['--disable-sigusr1'], says: 'LD_LIBRARY_PATH' },
  { variable: {}, flags: [], says: 'without --disable-sigusr1' },
  { variable: {}, flags: ['--disable-sigusr1', '--inspect=127.0.0.1:0'], says: '--inspect' },
])('a keeper started with $variable $flags refuses to run', async ({ variable, flags, says }) => {
  const args = [...flags, join(repository, 'dist/keeper.cjs')]
  const { code, stderr } = await runProgram(node, args, {
    env: { PATH: '/usr/bin:/bin', ...variable } as NodeJS.ProcessEnv,
  })
  expect(code).toBe(1)
  expect(stderr).toContain(says)
})
