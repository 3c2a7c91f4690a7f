import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { TestTerminal, until } from '../../fixtures/terminal.ts'

const prompt = 'ready> '

/** An unlocked home with a playground. */
export async function unlockedHome(idle = '10m', warn = '1s', more = ''): Promise<TestHome> {
  const home = makeHome()
  try {
    writePolicy(home, { idle, warn, more })
    await home.startPlayground()
    await home.init()
    await home.unlock('default')
    return home
  } catch (error) {
    await home.dispose()
    throw error
  }
}

/** A person's shell: `sh` leaves a terminal as a program has left it, `bash` mends it. */
export class PersonsShell extends TestTerminal {
  constructor(home: TestHome, shell: 'bash' | 'sh' = 'bash') {
    const flags = shell === 'bash' ? ['--norc', '--noprofile'] : []
    super(`/bin/${shell}`, flags, { ...home.env, PS1: prompt }, home.home)
  }

  /** Types, and waits for what is shown after it. @returns what was shown since. */
  async enter(typed: string, shown: RegExp, withinMs = 20_000): Promise<string> {
    const from = this.output.length
    this.type(typed)
    const since = (): string => this.output.slice(from)
    await until(`${shown} after ${JSON.stringify(typed)}`, () => shown.test(since()), {
      withinMs,
      now: () => JSON.stringify(since()),
    })
    return since()
  }
}

export const afterPrompt = /ready> $/

/** What `stty -g` says. */
export const settingsOf = (text: string): string => /^[\da-f]+(:[\da-f]+)+/m.exec(text)?.[0] ?? ''

interface Family {
  readonly supervisor: number
  readonly warden: number
  readonly kubectl: number
}

/** The processes of the one supervised stream in this home. */
export function familyIn(home: TestHome): Promise<Family> {
  return until('a supervised kubectl', () => {
    const [supervisor, warden] = pidsIn(home, (exe) => exe.endsWith('/kubeguard-supervisor'))
    const kubectl = childOf(warden)
    return supervisor !== undefined && warden !== undefined && kubectl !== undefined
      ? { supervisor, warden, kubectl }
      : undefined
  })
}

/** Pids of this home by their programs, oldest first. */
export function pidsIn(home: TestHome, isWanted: (exe: string) => boolean): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => read(pid, 'environ').includes(`KUBEGUARD_HOME=${home.guardHome}\0`))
    .filter((pid) => isWanted(read(pid, 'cmdline').split('\0')[0] ?? ''))
    .map(Number)
    .toSorted((one, other) => one - other)
}

const childOf = (pid: number | undefined): number | undefined => {
  const child = Number.parseInt(read(String(pid), `task/${pid}/children`), 10)
  return Number.isNaN(child) ? undefined : child
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(join('/proc', pid, file), 'latin1')
  } catch {
    return ''
  }
}
