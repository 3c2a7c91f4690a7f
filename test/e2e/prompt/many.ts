import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import type { Person } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'

/** What the question looks like where it stands open. */
export const question = /passphrase for default: $/

export const timesAsked = (...people: Person[]): number =>
  people.reduce((sum, person) => sum + (person.output.match(/passphrase for default: /g)?.length ?? 0), 0)

export async function lockedHome(): Promise<TestHome> {
  const home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  return home
}

/** People at terminals of their own; they leave with the block that has them. */
export async function peopleIn(
  home: TestHome,
  count: number,
): Promise<Person[] & { [Symbol.dispose](): void }> {
  const people: Person[] = []
  const leave = (): void => people.forEach((person) => person[Symbol.dispose]())
  for (let index = 0; index < count; index += 1) people.push(await personIn(home))
  return Object.assign(people, { [Symbol.dispose]: leave })
}

/** A command that leaves its exit code, output and errors in files of that name. */
export const noted = (command: string, name: string): string =>
  `{ ${command} >~/out.${name} 2>~/err.${name}; echo $? >~/code.${name}; }`

export const notes = (home: TestHome, kind: string): string[] =>
  readdirSync(home.home)
    .filter((name) => name.startsWith(`${kind}.`))
    .map((name) => readFileSync(join(home.home, name), 'utf8'))

export const codes = (home: TestHome): string[] =>
  notes(home, 'code').flatMap((text) => (text === '' ? [] : [text.trim()]))

/** @throws Error with what they said, where fewer ended in time. */
export async function allEnded(home: TestHome, count: number, withinMs = 60_000): Promise<void> {
  await until(`${count} exit codes`, () => codes(home).length === count, {
    withinMs,
    now: () => `${codes(home).join(' ')}\n${notes(home, 'err').join('')}`,
  })
}

/** The process on this person's terminal with these words in its command line. */
export async function processAt(person: Person, words: string): Promise<number> {
  return until(words, () => descendants(person.terminal.pty.pid).find((pid) => lineOf(pid).includes(words)))
}

function descendants(root: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(name)] as const)
  const found = [root]
  for (const pid of found)
    found.push(...parents.filter(([, parent]) => parent === pid).map(([child]) => child))
  return found
}

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return 0
  }
}

function lineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
