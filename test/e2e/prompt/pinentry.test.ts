import { chmodSync, copyFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { guardedHome } from '../../fixtures/held-home.ts'
import { good, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import type { Run } from '../../fixtures/run-program.ts'
import { TestTerminal, repository, until } from '../../fixtures/terminal.ts'

const program = '/usr/bin/pinentry-curses'
const launcher = join(repository, 'bin', 'kubeguard')
const asking = (path = program) => ({ idle: '10m', more: `    pinentry: ${path}\n` })

/** A terminal on which nothing runs: a dialog may come up there. */
async function emptyTerminal(): Promise<TestTerminal & { readonly path: string }> {
  const terminal = new TestTerminal('/bin/sh', ['-c', 'tty; exec sleep 100000'], {
    PATH: '/usr/bin:/bin',
    TERM: 'xterm',
  })
  await terminal.shows(/\/dev\/pts\/\d+/)
  const [path = ''] = /\/dev\/pts\/\d+/.exec(terminal.output) ?? []
  return Object.assign(terminal, { path })
}

/** As an IDE runs it: without a terminal of its own. */
function withoutTerminal(home: TestHome, on: { readonly path: string }, ...command: string[]): Promise<Run> {
  return home.run('/usr/bin/setsid', ['--wait', ...command], {
    env: { GPG_TTY: on.path, TERM: 'xterm' },
    timeoutMs: 180_000,
  })
}

/** Waits for what a dialog has drawn since the last time; it draws text with cursor moves in between. */
function dialogs(terminal: TestTerminal) {
  let from = terminal.output.length
  return async (text: RegExp): Promise<void> => {
    await until(`${text} in a dialog`, () => text.test(terminal.output.slice(from)), {
      withinMs: 60_000,
      now: () => terminal.output.slice(from),
    })
    from = terminal.output.length
  }
}

const running = (path: string): number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/exe`) === path
      } catch {
        return false
      }
    })
    .map(Number)

/** A pinentry of this home alone, so that it can be told from everybody else's. */
function ownPinentry(home: TestHome): string {
  const path = join(home.root, 'pinentry-curses')
  copyFileSync(program, path)
  chmodSync(path, 0o755)
  return path
}

test('a client without a terminal is asked for by a dialog, one for all; a wrong passphrase is asked for again', async () => {
  await using home = await guardedHome(asking())
  using terminal = await emptyTerminal()
  const shows = dialogs(terminal)
  const clients = [1, 2, 3].map(() => withoutTerminal(home, terminal, 'kubectl', 'get', 'pods'))
  await shows(/passphrase for default/)
  terminal.type('not this one\r')
  await shows(/wrong passphrase/)
  terminal.type(`${passphrase}\r`)
  for (const { code, stdout } of await Promise.all(clients)) {
    expect(code).toBe(0)
    expect(stdout).toContain('Running')
  }
  expect(terminal.output).not.toContain(passphrase)
})

test('a no is kept: what polls brings up no dialog again, a person who asks for it does', async () => {
  await using home = await guardedHome(asking())
  using terminal = await emptyTerminal()
  const shows = dialogs(terminal)
  const first = withoutTerminal(home, terminal, 'kubectl', 'get', 'pods')
  await shows(/passphrase for default/)
  // Past OK to Cancel.
  terminal.type('\t\t\r')
  expect(await first).toMatchObject({ code: 77 })
  await until('the quiet time after a no', () => home.kubeguard(['status']).then(({ code }) => code === 77))
  const drawn = terminal.output.length
  for (let count = 0; count < 3; count += 1)
    expect(await withoutTerminal(home, terminal, 'kubectl', 'get', 'pods')).toMatchObject({ code: 77 })
  expect(terminal.output.length).toBe(drawn)
  const byHand = withoutTerminal(home, terminal, launcher, 'unlock')
  await shows(/passphrase for default/)
  terminal.type(`${passphrase}\r`)
  good(await byHand)
  await home.lock()
  const again = withoutTerminal(home, terminal, 'kubectl', 'get', 'pods')
  await shows(/passphrase for default/)
  terminal.type(`${passphrase}\r`)
  expect(await again).toMatchObject({ code: 0 })
})

test('a dialog ends with whoever asked for it', async () => {
  await using home = await guardedHome({ idle: '10m' })
  const path = ownPinentry(home)
  writeFileSync(
    join(home.guardHome, 'config', 'config.yaml'),
    `apiVersion: kubeguard.dev/v1\npolicies:\n  - name: default\n    contexts: ["*"]\n    pinentry: ${path}\n`,
  )
  using terminal = await emptyTerminal()
  const shows = dialogs(terminal)
  const pid = home.start('/usr/bin/setsid', ['kubectl', 'get', 'pods'], {
    GPG_TTY: terminal.path,
    TERM: 'xterm',
  })
  await shows(/passphrase for default/)
  expect(running(path)).toHaveLength(1)
  process.kill(pid, 'SIGKILL')
  await until('the end of the dialog', () => running(path).length === 0, { withinMs: 60_000 })
})

test('none unless it is set, none under KUBEGUARD_PROMPT=never, and none that others can change', async () => {
  await using home = await guardedHome({ idle: '10m' })
  using terminal = await emptyTerminal()
  const drawn = terminal.output.length
  const refused = async (): Promise<string> => {
    const { code, stderr } = await withoutTerminal(home, terminal, 'kubectl', 'get', 'pods')
    expect(code).toBe(77)
    return stderr
  }
  await refused()
  const set = (path: string): void =>
    writeFileSync(
      join(home.guardHome, 'config', 'config.yaml'),
      `apiVersion: kubeguard.dev/v1\npolicies:\n  - name: default\n    contexts: ["*"]\n    pinentry: ${path}\n`,
    )
  set(program)
  const never = await home.run('/usr/bin/setsid', ['--wait', 'kubectl', 'get', 'pods'], {
    env: { GPG_TTY: terminal.path, TERM: 'xterm', KUBEGUARD_PROMPT: 'never' },
  })
  expect(never.code).toBe(77)
  const path = ownPinentry(home)
  chmodSync(path, 0o777)
  set(path)
  expect(await refused()).toContain('(pinentry) can be changed by others')
  // One that could not be asked is as good as a no.
  expect(await refused()).not.toContain('pinentry')
  set(join(home.root, 'missing'))
  const missing = await withoutTerminal(home, terminal, launcher, 'unlock')
  expect(missing).toMatchObject({ code: 77, stderr: expect.stringContaining('(pinentry) is not there') })
  expect(terminal.output.length).toBe(drawn)
})
