import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { AbsorbJob, ScribeAnswer } from '../../../src/platform/scribes/job.ts'
import type { AbsorbReport } from '../../../src/protocol/reports.ts'
import { kubectl } from '../../fixtures/tools.ts'
import { adopt, adoptJob, bundledInFreshHomes, home, pendingItems, program } from './scribe-fixture.ts'
import { changeHome, read, resultOf, run, write } from './scribe-fixture.ts'

bundledInFreshHomes()

const text = `contexts:
- {name: dev, context: {user: alice}}
users:
- name: alice
  user:
    token: token-of-alice
`

async function absorb(paths: readonly string[], more: Partial<AbsorbJob> = {}): Promise<AbsorbReport> {
  const { plugin } = adoptJob(home, [])
  const job = { job: 'absorb', paths, policies: home.policies, plugin, leftOut: [], ...more } as const
  return resultOf((await run(program, home, job)) as ScribeAnswer<AbsorbReport>)
}

async function adopted(original = text): Promise<string> {
  const path = write(join(home.kube, 'config'), original)
  await adopt(program, home, [path])
  return path
}

/** As a tool does that adds a user, and a context where it is given one. */
function add(path: string, user: string, context?: string): void {
  const line = context === undefined ? '' : `- {name: ${context}, context: {user: ${user}}}\n`
  const entry = `- name: ${user}\n  user:\n    token: token-of-${user}\n`
  writeFileSync(path, read(path).replace('contexts:\n', `contexts:\n${line}`) + entry)
}

const setCredentials = (path: string, user: string, ...flags: string[]) =>
  promisify(execFile)(kubectl(), ['config', 'set-credentials', user, '--kubeconfig', path, ...flags])

const sealed = async (): Promise<string[]> =>
  (await pendingItems(home)).map(({ policy, user, token }) => `${policy} ${user} ${token ?? ''}`)

describe('where it goes', () => {
  test('a new user by its contexts, and without one to the strictest policy', async () => {
    const path = await adopted()
    add(path, 'bob', 'other')
    add(path, 'carol', 'prod-9')
    add(path, 'dave')
    const { absorbed, unguarded } = await absorb([path])
    expect(absorbed.map(({ user, policy }) => `${user} ${policy}`).toSorted()).toEqual([
      'bob default',
      'carol prod',
      'dave prod',
    ])
    expect(unguarded).toEqual([])
    expect(read(path)).not.toContain('token-of-')
    expect(await sealed()).toEqual(
      expect.arrayContaining([
        'default bob token-of-bob',
        'prod carol token-of-carol',
        'prod dave token-of-dave',
      ]),
    )
  })

  test('who was adopted stays under its policy, whatever its contexts say now', async () => {
    const path = await adopted(text.replace('dev', 'prod-1'))
    writeFileSync(path, read(path).replace('prod-1', 'harmless'))
    await setCredentials(path, 'alice', '--token', 'newer')
    expect((await absorb([path])).absorbed).toMatchObject([{ user: 'alice', policy: 'prod' }])
    expect(await sealed()).toEqual(['prod alice newer'])
  })

  test('where its policy has no vault, to one that has', async () => {
    await changeHome(['prod'])
    const path = await adopted(text.replace('dev', 'prod-1'))
    add(path, 'bob', 'other')
    expect((await absorb([path])).absorbed).toMatchObject([{ user: 'bob', policy: 'prod' }])
  })
})

describe('what stays in the file', () => {
  test('a password: told, and left; an exec entry in the place of ours beside it is wrapped', async () => {
    const path = await adopted()
    await setCredentials(
      path,
      'alice',
      '--exec-command=/bin/theirs',
      '--exec-api-version=client.authentication.k8s.io/v1',
    )
    await setCredentials(path, 'bob', '--username=bob', '--password=secret')
    const { absorbed, unguarded } = await absorb([path])
    expect(absorbed).toMatchObject([{ user: 'alice' }])
    expect(unguarded).toMatchObject([{ user: 'bob', because: expect.stringContaining('can’t carry') }])
    expect(read(path)).toContain('password: secret')
    expect(read(path)).not.toContain('/bin/theirs')
  })

  test('what a policy says with absorb: warn is told, with off not even that', async () => {
    const path = await adopted()
    await setCredentials(path, 'alice', '--token', 'newer')
    const before = read(path)
    const policies = (choice: 'warn' | 'off') =>
      home.policies.map((policy) => ({ ...policy, absorb: choice }))
    expect((await absorb([path], { policies: policies('warn') })).unguarded).toMatchObject([
      { user: 'alice', because: expect.stringContaining('kubeguard adopt') },
    ])
    expect((await absorb([path], { policies: policies('off') })).unguarded).toEqual([])
    expect(read(path)).toBe(before)
  })

  test('whom a person left out, as long as its kind is the same', async () => {
    const path = await adopted()
    add(path, 'bob', 'other')
    const leftOut = (kind: 'token' | 'basic') => ({ leftOut: [{ file: path, user: 'bob', kind }] })
    expect((await absorb([path], leftOut('token'))).absorbed).toEqual([])
    expect((await absorb([path], leftOut('basic'))).absorbed).toHaveLength(1)
  })
})

test('one file that is broken keeps nothing from being sealed in the others', async () => {
  const path = await adopted()
  const broken = write(join(home.kube, 'broken'), 'users: [')
  add(path, 'bob', 'other')
  const { files, absorbed } = await absorb([broken, path])
  expect(absorbed).toMatchObject([{ user: 'bob' }])
  expect(files.find((file) => file.path === broken)?.problem).toContain(broken)
})

test('doing it again does nothing, and the stamp is that of the file as it was left', async () => {
  const path = await adopted()
  add(path, 'bob', 'other')
  const first = await absorb([path])
  const before = read(path)
  const second = await absorb([path])
  expect([second.absorbed, second.files, read(path)]).toEqual([[], first.files, before])
})

/** One kubectl after the other, so that it loses nothing by itself; it gives up where the file is locked just then. */
async function writeOn(path: string, until: () => boolean): Promise<string[]> {
  const written: string[] = []
  for (let index = 0; !until(); index += 1) {
    const name = `c-${index}`
    const what =
      index % 3 === 0
        ? ['set-credentials', `user-${index}`, `--token=token-of-${index}`]
        : ['set-context', name, '--user=alice']
    try {
      await promisify(execFile)(kubectl(), ['config', '--kubeconfig', path, ...what])
      if (index % 3 !== 0) written.push(name)
    } catch (error) {
      expect(String((error as { stderr: string }).stderr)).toContain('file exists')
    }
  }
  return written
}

test('kubectl writes all the while: nothing that it wrote is lost, and no secret stays', async () => {
  const path = await adopted()
  let absorbed = 0
  const giveUpAt = performance.now() + 60_000
  const writing = writeOn(path, () => absorbed >= 5 || performance.now() > giveUpAt)
  while (absorbed < 5 && performance.now() < giveUpAt) absorbed += (await absorb([path])).absorbed.length
  const written = await writing
  await absorb([path])
  const found = (parse(read(path)) as { contexts: { name: string }[] }).contexts.map(({ name }) => name)
  expect([absorbed >= 5, written.length > 5]).toEqual([true, true])
  expect(written.filter((name) => !found.includes(name))).toEqual([])
  expect(read(path)).not.toContain('token-of-')
})
