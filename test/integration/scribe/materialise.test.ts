import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, renameSync, statSync, symlinkSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dirs, places } from '../../../src/platform/dirs.ts'
import type { ScribeAnswer, ScribeJob, ScribeResults } from '../../../src/platform/scribes/job.ts'
import { createTraces } from '../../../src/platform/traces.ts'
import type { VaultItem } from '../../../src/platform/vault/item.ts'
import { adopt, adoptJob, bundledInFreshHomes, home, pendingItems, program } from './scribe-fixture.ts'
import { read, restore, resultOf, run, write } from './scribe-fixture.ts'
import { kubectl } from '../../fixtures/tools.ts'

bundledInFreshHomes()

const token = 'token-that-a-program-needs'
const [cert, key] = ['LS0tQ0VSVC0tLQ==', 'LS0tS0VZLS0t']

const text = `# kept
apiVersion: v1
kind: Config
contexts:
- {name: dev, context: {user: alice}}
- {name: prod-1, context: {user: bob}}
users:
- name: alice
  user:
    # about the token
    token: ${token}
- name: bob
  user: {client-certificate-data: ${cert}, client-key-data: ${key}}
`

const id = 'default~0123456789abcdef'
const prodId = 'prod~0123456789abcdef'
const folder = (): string => places.traces(dirs(home.environment))
const begin = (trace = id): void => createTraces(folder()).begin(trace, { places: [], onLock: [] })

async function job<Job extends ScribeJob>(order: Job): Promise<ScribeResults[Job['job']]> {
  return resultOf((await run(program, home, order)) as ScribeAnswer<ScribeResults[Job['job']]>)
}

const sweep = (...traces: string[]) => job({ job: 'sweep', paths: [], places: [], traces })
const itemsOf = async (policy: string): Promise<VaultItem[]> =>
  (await pendingItems(home)).filter((item) => item.policy === policy)

/** An adopted kubeconfig, and as it is once adopted. */
async function adopted(original = text): Promise<{ path: string; guarded: string }> {
  const path = write(join(home.kube, 'config'), original)
  await adopt(program, home, [path])
  return { path, guarded: read(path) }
}

async function put(trace = id, policy = 'default') {
  begin(trace)
  return job({ job: 'materialise', trace, items: await itemsOf(policy) })
}

const absorb = (path: string) =>
  job({
    job: 'absorb',
    paths: [path],
    policies: home.policies,
    plugin: adoptJob(home, []).plugin,
    leftOut: [],
  })

/** What the real kubectl reads for a user. */
function seenByKubectl(path: string, name: string): Record<string, unknown> {
  const args = ['config', 'view', '--raw', '-o', 'json', '--kubeconfig', path]
  const { users } = JSON.parse(spawnSync(kubectl(), args, { encoding: 'utf8' }).stdout) as {
    users: { name: string; user: Record<string, unknown> }[]
  }
  return users.find((user) => user.name === name)?.user ?? {}
}

test('a token stands beside our entry, mode kept, and is taken out to the byte', async () => {
  const { path, guarded } = await adopted()
  expect(await put()).toEqual({ materialised: [{ user: 'alice', file: path }], failed: [] })
  expect(seenByKubectl(path, 'alice')).toMatchObject({ token, exec: { args: expect.any(Array) } })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(await sweep(id)).toMatchObject({ unmaterialised: [{ user: 'alice', file: path }], failures: [] })
  expect(read(path)).toBe(guarded)
  expect(readdirSync(folder())).toEqual([])
})

test.each([
  ['flow style', text, 'bob'],
  [
    'block style',
    text.replace(
      /user: \{client.*\}/,
      `user:\n    client-certificate-data: ${cert}\n    client-key-data: ${key}`,
    ),
    'bob',
  ],
  [
    'block style without a last line end',
    text.replace(
      /user: \{client.*\}\n/,
      `user:\n    client-certificate-data: ${cert}\n    client-key-data: ${key}`,
    ),
    'bob',
  ],
  [
    'JSON',
    JSON.stringify(
      {
        users: [{ name: 'bob', user: { 'client-certificate-data': cert, 'client-key-data': key } }],
        contexts: [{ name: 'prod-1', context: { user: 'bob' } }],
      },
      undefined,
      2,
    ),
    'bob',
  ],
  ['CRLF', text.replaceAll('\n', '\r\n'), 'bob'],
])('a certificate and its key in %s', async (_, original, user) => {
  const { path, guarded } = await adopted(original)
  expect((await put(prodId, 'prod')).failed).toEqual([])
  expect(seenByKubectl(path, user)).toMatchObject({ 'client-certificate-data': cert, 'client-key-data': key })
  await sweep(prodId)
  expect(read(path)).toBe(guarded)
})

test('two policies in one file: each lock takes out its own', async () => {
  const { path, guarded } = await adopted()
  await put()
  const onlyAlice = read(path)
  await put(prodId, 'prod')
  await sweep(prodId)
  expect(read(path)).toBe(onlyAlice)
  await sweep(id)
  expect(read(path)).toBe(guarded)
})

test('a second unlock of a session that is open writes nothing anew, and either trace is enough', async () => {
  const { path, guarded } = await adopted()
  await put()
  const before = read(path)
  const other = 'default~fedcba9876543210'
  expect((await put(other)).materialised).toHaveLength(1)
  expect(read(path)).toBe(before)
  await sweep(other)
  expect(read(path)).toBe(guarded)
})

describe('nothing is put there', () => {
  test('once the session is over, also where something of it stays to be wiped', async () => {
    const { path, guarded } = await adopted()
    const items = await itemsOf('default')
    const late = () => run(program, home, { job: 'materialise', trace: id, items })
    expect(await late()).toMatchObject({ ok: false, code: 'locked' })
    await put()
    chmodSync(home.kube, 0o500)
    writeFileSync(path, 'users: [')
    expect((await sweep(id)).failures).toHaveLength(1)
    chmodSync(home.kube, 0o700)
    expect(createTraces(folder()).ids()).toEqual([id])
    writeFileSync(path, guarded)
    expect(await late()).toMatchObject({ ok: false, code: 'locked' })
    expect(read(path)).toBe(guarded)
  })

  test('where other accounts could read it', async () => {
    const { path, guarded } = await adopted()
    chmodSync(path, 0o640)
    expect(await put()).toMatchObject({
      materialised: [],
      failed: [{ user: 'alice', message: expect.stringContaining('open to other accounts') }],
    })
    expect(read(path)).toBe(guarded)
  })

  test('over what another program has put there', async () => {
    const { path } = await adopted()
    const other = read(path).replace('    exec:', '    token: theirs\n    exec:')
    writeFileSync(path, other)
    expect(await put()).toMatchObject({ failed: [{ message: expect.stringContaining('secret of its own') }] })
    expect(read(path)).toBe(other)
    await sweep(id)
    expect(read(path)).toBe(other)
  })

  test('where the entry is gone, or the file', async () => {
    const { path } = await adopted()
    renameSync(path, `${path}.moved`)
    expect(await put()).toMatchObject({
      failed: [{ message: expect.stringContaining('not there any more') }],
    })
    writeFileSync(path, 'apiVersion: v1\nkind: Config\n', { mode: 0o600 })
    expect(await put()).toMatchObject({
      failed: [{ message: expect.stringContaining('names the credential') }],
    })
    expect(await sweep(id)).toMatchObject({ failures: [] })
  })
})

describe('others write meanwhile', () => {
  test('the real kubectl rewrites the file: only the token goes', async () => {
    const { path } = await adopted()
    await put()
    spawnSync(kubectl(), ['config', 'set-context', 'more', '--user=alice', '--kubeconfig', path])
    expect(read(path)).toContain(token)
    await sweep(id)
    expect(read(path)).not.toContain(token)
    expect(read(path)).toContain('name: more')
    expect(seenByKubectl(path, 'alice')).toEqual({
      exec: expect.objectContaining({ args: expect.any(Array) }),
    })
  })

  test('a kubectl that had read the file before writes it back: it is taken out again', async () => {
    const { path } = await adopted()
    await put()
    const stale = read(path)
    const sweeping = sweep(id)
    for (let count = 0; read(path).includes(token) && count < 5_000; count += 1)
      await new Promise((resolve) => void setTimeout(resolve, 1))
    writeFileSync(path, stale)
    await sweeping
    expect(read(path)).not.toContain(token)
  })

  test('a tool that writes the user anew and drops our entry: it comes back', async () => {
    const { path } = await adopted()
    const before = seenByKubectl(path, 'alice')
    await put()
    const anew = {
      users: [{ name: 'alice', user: { token } }],
      contexts: [{ name: 'dev', context: { user: 'alice' } }],
    }
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...anew }))
    await sweep(id)
    expect(read(path)).not.toContain(token)
    expect(seenByKubectl(path, 'alice')).toEqual(before)
  })

  test('a copy of the user under another name is taken out too', async () => {
    const { path } = await adopted()
    await put()
    writeFileSync(path, `${read(path)}- name: copy\n  user:\n    token: ${token}\n`)
    await sweep(id)
    expect(read(path)).not.toContain(token)
  })

  test('a token that a tool has renewed is sealed, not lost', async () => {
    const { path, guarded } = await adopted()
    await put()
    writeFileSync(path, read(path).replace(token, 'renewed-token'))
    await sweep(id)
    expect(read(path)).toContain('renewed-token')
    expect((await absorb(path)).absorbed).toMatchObject([{ user: 'alice', policy: 'default' }])
    expect(read(path)).toBe(guarded)
    expect((await itemsOf('default')).map((item) => item.token)).toEqual(['renewed-token'])
  })

  test('a link in the file’s place leads to it still', async () => {
    const { path, guarded } = await adopted()
    const target = join(home.kube, 'elsewhere')
    renameSync(path, target)
    symlinkSync(target, path)
    await adopt(program, home, [path])
    await put()
    await sweep(id)
    expect(read(path)).toBe(guarded)
  })
})

describe('who sees it meanwhile', () => {
  test('absorb seals nothing, and changes nothing', async () => {
    const { path } = await adopted()
    await put()
    const before = [read(path), await pendingItems(home)]
    expect(await absorb(path)).toMatchObject({ absorbed: [], unguarded: [] })
    expect([read(path), await pendingItems(home)]).toEqual(before)
  })

  test('adopt calls it adopted already, audit by its name and not adoptable', async () => {
    const { path } = await adopted()
    await put()
    const report = await adopt(program, home, [path])
    expect(report.adopted).toEqual([])
    expect(report.left).toMatchObject([
      { user: 'alice', because: 'already' },
      { user: 'bob', because: 'already' },
    ])
    const audited = await job({ job: 'audit', paths: [path], searchPath: '' })
    const about = audited.findings.filter(({ user }) => user === 'alice')
    expect(about).toMatchObject([{ rule: 'materialised', severity: 'medium', line: 11 }])
    expect(audited.adoptable).toEqual([])
  })

  test('outline: the gate still finds the policy that it was adopted under', async () => {
    const { path } = await adopted()
    await put()
    const [file] = await job({ job: 'outline', paths: [path] })
    expect(file?.outline?.users[0]).toMatchObject({ name: 'alice', kind: 'token', policy: 'default' })
  })

  test('eject puts back what was there before, once', async () => {
    const original = text.replace(/- name: bob[^]*$/, '')
    const { path } = await adopted(original)
    await put()
    const items = await pendingItems(home)
    expect(await restore(program, home, items, [path])).toMatchObject([{ ok: true }])
    expect(read(path)).toBe(original)
    expect(await sweep(id)).toMatchObject({ unmaterialised: [], failures: [] })
    expect(read(path)).toBe(original)
  })

  test('no secret stands in the trace', async () => {
    await adopted()
    await put()
    await put(prodId, 'prod')
    for (const name of readdirSync(folder())) {
      const held = read(join(folder(), name))
      for (const secret of [token, cert, key, Buffer.from(key, 'base64').toString()])
        expect(held).not.toContain(secret)
    }
  })
})

test('what policy-changed takes back: the kubeconfig is clean, the session’s trace stays', async () => {
  const { path, guarded } = await adopted()
  await put()
  expect(await job({ job: 'unmaterialise', traces: [id] })).toMatchObject({ failures: [] })
  expect([read(path), existsSync(join(folder(), `${id}.json`))]).toEqual([guarded, true])
})
