import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { GuardError } from '../../../src/domain/errors.ts'
import { defaultPolicies } from '../../../src/domain/policy.ts'
import type { AbsorbReport, AdoptedUser, AdoptReport } from '../../../src/protocol/reports.ts'
import { AbsorbSecrets } from '../../../src/usecases/absorb-secrets.ts'
import type { LeftOutUser, Outline, OutlineUser } from '../../../src/usecases/ports.ts'

const config = '/home/me/.kube/config'
const quiet: AbsorbReport = {
  files: [{ path: config, real: config, stamp: '1' }],
  absorbed: [],
  unguarded: [],
}
const alice: AdoptedUser = {
  file: config,
  user: 'alice',
  contexts: ['dev'],
  policy: 'default',
  credential: 'default.alice-00000000',
  kind: 'token',
  strength: 'local',
  advice: ['rotate: it was readable'],
}
const sealed: AbsorbReport = { ...quiet, absorbed: [alice] }
const report: AdoptReport = {
  dryRun: false,
  adopted: [],
  left: [],
  logIns: [],
  toMove: [],
  wiped: [],
  notWiped: [],
  diff: '',
  missingVaults: [],
}
const outline = (path: string, users: readonly OutlineUser[]): Outline => ({
  path,
  real: path,
  currentContext: undefined,
  contexts: [],
  users,
})

/** The ports around it, faked; `answers` is what scribes say in turn, the last one again and again. */
function world(answers: readonly (AbsorbReport | Error)[], outlines: Record<string, Outline> = {}) {
  const clock = { at: 0, now: () => ({ bootMs: clock.at, wallMs: clock.at }) }
  const said: string[] = []
  const journal: string[] = []
  const jobs: { paths: readonly string[]; leftOut: readonly LeftOutUser[] }[] = []
  const watched: string[][] = []
  const alarms: (number | undefined)[] = []
  let kept: readonly LeftOutUser[] = []
  let changed: (path: string) => void = () => {}
  const absorb = new AbsorbSecrets({
    clock,
    journal: { record: ({ event, details }) => journal.push(`${event} ${details?.['user']}`) > 0 },
    kubeconfigs: {
      outlines: async (paths) => paths.flatMap((path) => outlines[path] ?? []),
      absorb: async ({ paths, leftOut }) => {
        jobs.push({ paths, leftOut })
        const answer = answers[Math.min(jobs.length, answers.length) - 1] ?? quiet
        if (answer instanceof Error) throw answer
        return answer
      },
    },
    leftOut: { read: () => kept, write: (users) => void (kept = users) },
    log: { info: () => {}, warn: () => {}, error: () => {} },
    plugin: { command: '/p', env: {} },
    policies: { current: defaultPolicies },
    shells: { tell: (text) => void said.push(text) },
    vaults: { files: () => [config] },
    watch: {
      watch: (paths) => void watched.push([...paths]),
      seen: () => {},
      onChange: (listener) => void (changed = listener),
    },
    alarm: { set: (at) => void alarms.push(at) },
  })
  const change = async (path = config): Promise<void> => {
    changed(path)
    for (let times = 0; times < 5; times += 1) await turn()
  }
  return { absorb, change, clock, said, journal, jobs, watched, alarms, leftOut: () => kept }
}

test('what a scribe sealed is said once, and stands in the journal each time', async () => {
  const { change, said, journal } = world([sealed])
  await change()
  await change()
  expect(said).toEqual([`sealed what another program wrote into ${config}: alice (default)`])
  expect(journal).toEqual(['absorbed alice', 'absorbed alice'])
})

test('a program that insists is let be for a while, which is said once, shown by status, and then looked at again', async () => {
  const { absorb, change, clock, said, jobs, alarms } = world([sealed])
  for (let time = 0; time < 5; time += 1) await change()
  expect(said.at(-1)).toContain('keeps writing secrets')
  expect(absorb.problems()).toEqual([`a program keeps writing secrets into ${config}`])
  await change()
  await change()
  expect(jobs.length).toBe(5)
  expect(said.length).toBe(2)
  clock.at = alarms.at(-1) as number
  absorb.tryAgain()
  for (let times = 0; times < 5; times += 1) await turn()
  expect(jobs.length).toBe(6)
})

test('what stays in the file is said once, and by status for as long as it is so', async () => {
  const because = 'another program has put evil\u001b[31m in the place of kubeguard'
  const bad = { ...quiet, unguarded: [{ file: config, user: 'alice', policy: 'default', because }] }
  const { absorb, change, said, journal } = world([bad, bad, quiet])
  await change()
  await change()
  expect(said).toEqual([`alice (${config}): another program has put evil [31m in the place of kubeguard`])
  expect(journal).toEqual(['unguarded alice'])
  expect(absorb.problems()).toHaveLength(1)
  await change()
  expect(absorb.problems()).toEqual([])
})

test('what fails is said, and tried again by the alarm; a file that is wrong waits until it is written', async () => {
  const { absorb, change, said, alarms, jobs, clock } = world([new GuardError('vault-busy', 'busy'), quiet])
  await change()
  expect(said).toEqual([`what was written into ${config} can’t be sealed: busy`])
  clock.at = alarms.at(-1) as number
  absorb.tryAgain()
  for (let times = 0; times < 5; times += 1) await turn()
  expect(jobs.length).toBe(2)
  expect(absorb.problems()).toEqual([])
  const wrong = world([new GuardError('kubeconfig-invalid', 'wrong')])
  await wrong.change()
  expect(wrong.alarms.at(-1)).toBeUndefined()
})

test('a KUBECONFIG is watched once a client uses it, where one of its files is adopted', async () => {
  const ours = outline('/a', [{ name: 'u', kind: 'ours', policy: 'p', credential: 'c' }])
  const { absorb, watched, change, jobs } = world([quiet], {
    '/a': ours,
    '/b': outline('/b', [{ name: 'v', kind: 'token' }]),
  })
  absorb.watch()
  absorb.used(['/b'])
  for (let times = 0; times < 5; times += 1) await turn()
  expect(watched.at(-1)).toEqual([config])
  absorb.used(['/a', '/b', '/c'])
  for (let times = 0; times < 5; times += 1) await turn()
  expect(watched.at(-1)).toEqual(['/a', '/b', '/c', config])
  await change('/b')
  expect(jobs.at(-1)?.paths).toEqual(['/a', '/b', '/c'])
})

test('whom a person leaves out is left out; who is adopted later is not', async () => {
  const outlines = {
    [config]: outline(config, [
      { name: 'alice', kind: 'token' },
      { name: 'bob', kind: 'ours', policy: 'default', credential: 'c' },
      { name: 'old', kind: 'basic' },
    ]),
  }
  const { absorb, leftOut, change, jobs } = world([quiet], outlines)
  const adoption = { report, outlines: Object.values(outlines) }
  await absorb.adopting({ paths: [config], users: ['bob'] }, async () => adoption)
  const both = [
    { file: config, user: 'alice', kind: 'token' },
    { file: config, user: 'old', kind: 'basic' },
  ]
  expect(leftOut()).toEqual(both)
  await change()
  expect(jobs.at(-1)?.leftOut).toEqual(both)
  await absorb.adopting({ paths: [config], users: [] }, async () => adoption)
  expect(leftOut()).toEqual([{ file: config, user: 'old', kind: 'basic' }])
})

test('nothing is sealed while secrets are put back, nor afterwards; a prompt holds nothing off for long', async () => {
  const { absorb, change, jobs, clock, leftOut, alarms } = world([quiet], {
    [config]: outline(config, [{ name: 'alice', kind: 'token' }]),
  })
  const ejecting = absorb.ejecting()
  await change()
  expect(jobs).toEqual([])
  ejecting.note([{ user: 'alice', file: config }])
  ejecting.end()
  for (let times = 0; times < 5; times += 1) await turn()
  expect(jobs.length).toBe(1)
  expect(leftOut()).toEqual([{ file: config, user: 'alice', kind: 'token' }])
  absorb.ejecting()
  await change()
  expect(jobs.length).toBe(1)
  clock.at = alarms.at(-1) as number
  absorb.tryAgain()
  for (let times = 0; times < 5; times += 1) await turn()
  expect(jobs.length).toBe(2)
})
