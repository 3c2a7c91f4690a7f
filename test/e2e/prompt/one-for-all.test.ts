import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import type { Person } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { helm, kubectl } from '../../fixtures/tools.ts'

/** Fifty commands at once while locked, through the shim and through the plugin: one question, one answer. */

const question = /passphrase for default: /g

const timesAsked = (...people: Person[]): number =>
  people.reduce((sum, person) => sum + (person.output.match(question)?.length ?? 0), 0)

async function lockedHome(): Promise<TestHome> {
  const home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  return home
}

/** A command that leaves its exit code, output and errors in files of that name. */
const noted = (command: string, name: string): string =>
  `{ ${command} >~/out.${name} 2>~/err.${name}; echo $? >~/code.${name}; }`

const notes = (home: TestHome, kind: string): string[] =>
  readdirSync(home.home)
    .filter((name) => name.startsWith(`${kind}.`))
    .map((name) => readFileSync(join(home.home, name), 'utf8'))

const codes = (home: TestHome): string[] => notes(home, 'code').filter((text) => text !== '')

async function allEnded(home: TestHome, count: number, withinMs = 60_000): Promise<void> {
  await until(`${count} exit codes`, () => codes(home).length === count, {
    withinMs,
    now: () => `${codes(home).join('')}\n${notes(home, 'err').join('')}`,
  })
}

test('fifty in one terminal, all but the last in the background: one prompt, and all go on', async () => {
  await using home = await lockedHome()
  using person = await personIn(home)
  const many = `for i in $(seq 49); do ${noted('kubectl get pods', '$i')} & done`
  await person.answer(`${many}; ${noted('kubectl get pods', '50')}`, question)
  person.type(`${passphrase}\r`)
  await allEnded(home, 50)
  expect(new Set(codes(home))).toEqual(new Set(['0\n']))
  expect(notes(home, 'out').every((text) => text.includes('web-0'))).toBe(true)
  // Whoever waited had nothing to say.
  expect(notes(home, 'err').filter((text) => text !== '')).toEqual([
    expect.stringMatching(/^kubeguard: default unlocked/),
  ])
  expect(timesAsked(person)).toBe(1)
})

test('fifty over five terminals, shims and plugins mixed: one prompt; each other terminal is told once where', async () => {
  await using home = await lockedHome()
  const people: Person[] = []
  try {
    for (let count = 0; count < 5; count += 1) people.push(await personIn(home))
    const mixed = [`kubectl get pods`, `${kubectl()} get pods`, `${helm()} list`]
    for (const [at, person] of people.entries()) {
      const jobs = Array.from({ length: 9 }, (_, job) => `${mixed[job % 3]} >/dev/null &`).join(' ')
      const last = `kubectl get pods; echo $? >~/code.${at}`
      person.type(`${jobs} ${last}\r`)
    }
    const asked = await until('the question', () => people.find((person) => timesAsked(person) > 0), {
      withinMs: 30_000,
    })
    const others = people.filter((person) => person !== asked)
    const told = /default is locked: waiting for the passphrase, asked for on \/dev\/pts\/\d+/g
    await until('the others told', () => others.every(({ output }) => output.match(told) !== null), {
      withinMs: 30_000,
      now: () => others.map(({ output }) => output).join('\n---\n'),
    })
    asked.type(`${passphrase}\r`)
    await allEnded(home, 5)
    expect(new Set(codes(home))).toEqual(new Set(['0\n']))
    expect(timesAsked(...people)).toBe(1)
    for (const other of others) expect(other.output.match(told)).toHaveLength(1)
    expect(asked.output).not.toMatch(told)
    for (const { output } of people) expect(output).not.toContain('is locked, and')
  } finally {
    for (const person of people) person[Symbol.dispose]()
  }
})

test('xargs -P16: one prompt, a mistyped passphrase first; then all go on', async () => {
  await using home = await lockedHome()
  using person = await personIn(home)
  const command = `sh -c '${noted('kubectl get pods', '$0')}'`
  await person.answer(`seq 50 | xargs -P16 -n1 ${command}`, question)
  await person.answer('not the passphrase', /passphrase for default: $/)
  person.type(`${passphrase}\r`)
  await allEnded(home, 50)
  expect(new Set(codes(home))).toEqual(new Set(['0\n']))
  expect(timesAsked(person)).toBe(2)
})

test('a no is for all: everybody fails at once, the rest of the job too, and nothing asks again until an unlock', async () => {
  await using home = await lockedHome()
  using person = await personIn(home)
  const command = `sh -c '${noted(`${kubectl()} get pods`, '$0')}'`
  await person.answer(`seq 50 | xargs -P16 -n1 ${command}`, question)
  await person.answer('', /ready> $/, 60_000)
  await allEnded(home, 50)
  expect(codes(home)).not.toContain('0\n')
  expect(notes(home, 'err').every((text) => text.includes('kubeguard: default is locked'))).toBe(true)
  expect(timesAsked(person)).toBe(1)
})
