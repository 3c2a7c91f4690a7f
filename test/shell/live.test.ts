import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRunning, makeHome } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import { until } from '../fixtures/terminal.ts'
import { openShell, shells } from './shells.ts'

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

test.each(shells)(
  '%s: the daemon and its reaper killed, what lives is ended when the window passes',
  async (shell) => {
    await using home = makeHome()
    writePolicy(home, { idle: '12s' })
    await home.startPlayground()
    await home.init()
    await home.unlock('--all')
    using screen = await openShell(home, shell)
    screen.type('kubectl port-forward web-0 0:80 &\r')
    const forwards = (): number[] => processes(/kubectl port-forward/, home.guardHome)
    await screen.until('the port', ({ text }) => text.includes('Forwarding from'), 20_000)
    const daemon = Number(readFileSync(join(home.guardHome, 'run', 'status'), 'utf8').split(' ')[2])
    for (const pid of [...processes(/reaper/, home.guardHome), daemon]) process.kill(pid, 'SIGKILL')
    await until('the daemon’s end', () => !isRunning(daemon))
    if (shell === 'bash') screen.type('\r')
    await screen.until('the news', ({ text }) => text.includes('is locked (the daemon ended)'))
    expect(forwards().filter(isRunning)).not.toEqual([])
    await until('the end of what lives', () => forwards().filter(isRunning).length === 0, {
      withinMs: 40_000,
    })
    expect(isRunning(screen.pty.pid)).toBe(true)
  },
)
