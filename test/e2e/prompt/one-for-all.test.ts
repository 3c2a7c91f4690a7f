import { expect, test } from 'vitest'
import { passphrase } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import type { Person } from '../../fixtures/person.ts'
import { until } from '../../fixtures/terminal.ts'
import { helm, kubectl } from '../../fixtures/tools.ts'
import { allEnded, codes, lockedHome, noted, notes, peopleIn, question, timesAsked } from './many.ts'

/** Fifty commands at once while locked, through the shim and through the plugin: one question, one answer. */

const told = /default is locked: waiting for the passphrase, asked for on \/dev\/pts\/\d+/g

test('fifty in one terminal, all but the last in the background: one prompt, and all go on', async () => {
  await using home = await lockedHome()
  using person = await personIn(home)
  const many = `for i in $(seq 49); do ${noted('kubectl get pods', '$i')} & done`
  await person.answer(`${many}; ${noted('kubectl get pods', '50')}`, question)
  person.type(`${passphrase}\r`)
  await allEnded(home, 50)
  expect(new Set(codes(home))).toEqual(new Set(['0']))
  expect(notes(home, 'out').every((text) => text.includes('web-0'))).toBe(true)
  // Whoever waited had nothing to say.
  expect(notes(home, 'err').filter((text) => text !== '')).toEqual([
    expect.stringMatching(/^kubeguard: default unlocked/),
  ])
  expect(timesAsked(person)).toBe(1)
})

/** Ten commands at each of five terminals, by shims and plugins. @returns who is asked, and the others, when all know. */
async function fiftyAtFive(people: Person[]): Promise<{ asked: Person; others: Person[] }> {
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
  await until('the others told', () => others.every(({ output }) => output.match(told) !== null), {
    withinMs: 30_000,
    now: () => others.map(({ output }) => output).join('\n---\n'),
  })
  return { asked, others }
}

test('fifty over five terminals, shims and plugins mixed: one prompt; each other terminal is told once where', async () => {
  await using home = await lockedHome()
  using people = await peopleIn(home, 5)
  const { asked, others } = await fiftyAtFive(people)
  asked.type(`${passphrase}\r`)
  await allEnded(home, 5)
  expect(new Set(codes(home))).toEqual(new Set(['0']))
  expect(timesAsked(...people)).toBe(1)
  for (const other of others) expect(other.output.match(told)).toHaveLength(1)
  expect(asked.output).not.toMatch(told)
  for (const { output } of people) expect(output).not.toContain('is locked, and')
})

test('a no at one of five terminals is for all fifty; nothing asks for a while, then a new command does', async () => {
  await using home = await lockedHome()
  using people = await peopleIn(home, 5)
  const { asked, others } = await fiftyAtFive(people)
  asked.type('\x03')
  await allEnded(home, 5)
  expect(new Set(codes(home))).toEqual(new Set(['77']))
  expect(timesAsked(...people)).toBe(1)
  const other = others[0]!
  const from = other.output.length
  other.type('until kubectl get pods; do echo "refu"sed; done; echo "af"ter\r')
  await other.showsAfter(from, question)
  expect(other.output.slice(from)).toMatch(/refused[^]*passphrase for/)
  await other.answer(passphrase, /web-0[^]*after/)
  expect(timesAsked(...people)).toBe(2)
})

test('xargs -P16: one prompt, a mistyped passphrase first; then all go on', async () => {
  await using home = await lockedHome()
  using person = await personIn(home)
  const command = `sh -c '${noted('kubectl get pods', '$0')}'`
  await person.answer(`seq 50 | xargs -P16 -n1 ${command}`, question)
  await person.answer('not the passphrase', /passphrase for default: $/)
  person.type(`${passphrase}\r`)
  await allEnded(home, 50)
  expect(new Set(codes(home))).toEqual(new Set(['0']))
  expect(timesAsked(person)).toBe(2)
})

test('a no is for all: everybody fails at once, the rest of the job too, and nothing asks again until an unlock', async () => {
  await using home = await lockedHome()
  using person = await personIn(home)
  const command = `sh -c '${noted(`${kubectl()} get pods`, '$0')}'`
  await person.answer(`seq 50 | xargs -P16 -n1 ${command}`, question)
  await person.answer('', /ready> $/, 60_000)
  await allEnded(home, 50)
  expect(codes(home)).not.toContain('0')
  expect(notes(home, 'err').every((text) => text.includes('kubeguard: default is locked'))).toBe(true)
  expect(timesAsked(person)).toBe(1)
})
