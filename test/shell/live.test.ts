import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRunning, makeHome } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import type { Screen } from '../fixtures/screen.ts'
import { until } from '../fixtures/terminal.ts'
import { enter, openShell, shells } from './shells.ts'
import type { Shell } from './shells.ts'

const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
const processes = (what: RegExp, home: string): number[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && what.test(commandOf(pid)) && environmentOf(pid).includes(home))
    .map(Number)
const environmentOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}

/** A person's shell whose session is open, and would be idle soon. */
class ShellAtWork {
  readonly home = makeHome()
  screen!: Screen

  static async open(shell: Shell): Promise<ShellAtWork> {
    const made = new ShellAtWork()
    writePolicy(made.home, { idle: '12s' })
    await made.home.startPlayground()
    await made.home.init()
    // Before the unlock: the time runs from there on.
    made.screen = await openShell(made.home, shell)
    await made.home.unlock('default')
    // bash sees it at its next prompt.
    await enter(made.screen, 'true')
    return made
  }

  /** By the status file: of the last one that was there. */
  get daemon(): number {
    return Number(this.status.split(' ')[2])
  }

  get status(): string {
    return readFileSync(join(this.home.guardHome, 'run', 'status'), 'utf8')
  }

  processes(what: RegExp): number[] {
    return processes(what, this.home.guardHome).filter(isRunning)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.screen.close()
    await this.home.dispose()
  }
}

const lost = 'default is locked (the daemon ended)'

test.each(shells)(
  '%s: the daemon killed behind a foreground exec, which is ended; the shell says why, works on and sweeps',
  async (shell) => {
    await using work = await ShellAtWork.open(shell)
    const { screen, daemon } = work
    screen.type(`kubectl exec -it web-0 -- sh -c 'echo in""side; sleep 600'\r`)
    await screen.until('the remote program', ({ text }) => text.includes('inside'), 30_000)
    process.kill(daemon, 'SIGKILL')
    await screen.until('why', ({ text }) => text.includes(lost), 30_000)
    await screen.until('a prompt', ({ typed }) => typed.endsWith('ready> '))
    expect(work.processes(/kubectl exec/)).toEqual([])
    await enter(screen, 'echo on""ward')
    expect(screen.lines).toContain('onward')
    await until('the sweep’s daemon', () => work.daemon !== daemon, { withinMs: 40_000 })
    expect(screen.text.split(lost)).toHaveLength(2)
  },
  120_000,
)

test('zsh: whoever takes connections before it has written a status is not the last daemon, and does not bring it back', async () => {
  await using work = await ShellAtWork.open('zsh')
  const { screen, daemon, home } = work
  process.kill(daemon, 'SIGKILL')
  await screen.until('why', ({ text }) => text.includes(lost))
  const socket = join(home.guardHome, 'run', 'next.sock')
  const next = createServer((client) => client.on('error', () => {}))
  await new Promise<void>((resolve) => next.listen(socket, resolve))
  writeFileSync(join(home.guardHome, 'state', 'daemon.lock'), socket)
  const met = new Promise<Socket>((resolve) => next.once('connection', resolve))
  await enter(screen, 'true')
  const client = await met
  await enter(screen, 'echo on""ward')
  client.destroy()
  next.close()
  await enter(screen, 'echo fur""ther')
  expect(screen.text.split(lost)).toHaveLength(2)
})

test.each(shells)(
  '%s: a session opened behind a foreground command, and the daemon killed before the next prompt',
  async (shell) => {
    await using work = await ShellAtWork.open(shell)
    const { screen, daemon, home } = work
    await home.lock()
    await enter(screen, 'true')
    const done = join(home.home, 'done')
    screen.type(`sh -c 'while [ ! -e ${done} ]; do sleep 0.1; done'\r`)
    await until('the command', () => work.processes(/sh -c while/).length > 0)
    await home.unlock('default')
    await until('the word of it', () => work.status.includes('session default unlocked'))
    process.kill(daemon, 'SIGKILL')
    await until('the daemon’s end', () => !isRunning(daemon))
    writeFileSync(done, '')
    await screen.until('why', ({ text }) => text.includes(lost))
    await enter(screen, 'echo on""ward')
    expect(screen.text.split(lost)).toHaveLength(2)
  },
  120_000,
)

test.each(shells)(
  '%s: the daemon and its reaper killed, what lives is ended when the window passes',
  async (shell) => {
    await using work = await ShellAtWork.open(shell)
    const { screen, daemon } = work
    screen.type('kubectl port-forward web-0 0:80 &\r')
    await screen.until('the port', ({ text }) => text.includes('Forwarding from'), 20_000)
    for (const pid of [...work.processes(/reaper/), daemon]) process.kill(pid, 'SIGKILL')
    await until('the daemon’s end', () => !isRunning(daemon))
    if (shell === 'bash') screen.type('\r')
    await screen.until('the news', ({ text }) => text.includes(lost))
    expect(work.processes(/kubectl port-forward/)).not.toEqual([])
    await until('the end of what lives', () => work.processes(/kubectl port-forward/).length === 0, {
      withinMs: 40_000,
    })
    expect(isRunning(screen.pty.pid)).toBe(true)
  },
  120_000,
)
