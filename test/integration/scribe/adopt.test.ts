import { execFileSync } from 'node:child_process'
import { chmodSync, lstatSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import {
  adopt,
  adoptJob,
  bundledInFreshHomes,
  home,
  changeHome,
  pendingItems,
  program,
  read,
  restore,
  run,
  write,
} from './scribe-fixture.ts'

bundledInFreshHomes()

const token = 'token-that-must-not-be-seen'

const simple = `apiVersion: v1
kind: Config
# which one
current-context: dev
clusters:
- name: c
  cluster:
    server: https://127.0.0.1:6443
contexts:
- name: dev
  context:
    cluster: c
    user: alice
users:
- name: alice   # me
  user:
    as: someone
    token: ${token}
preferences: {}
`

test('a token moves into the vault, and every other byte stays', async () => {
  const path = write(join(home.kube, 'config'), simple, 0o640)
  const report = await adopt(program, home, [path])
  expect(report.adopted).toMatchObject([
    { file: path, user: 'alice', contexts: ['dev'], policy: 'default', kind: 'token', strength: 'local' },
  ])
  const [item] = await pendingItems(home)
  expect(item).toMatchObject({ token, user: 'alice', file: path, contexts: ['dev'], policy: 'default' })
  const exec = [
    '    exec:',
    '      apiVersion: client.authentication.k8s.io/v1',
    '      command: /opt/kubeguard/bin/kubeguard-credential',
    '      args:',
    '      - --policy',
    '      - default',
    '      - --credential',
    `      - ${item?.id}`,
    '      interactiveMode: IfAvailable',
    '      provideClusterInfo: false',
  ].join('\n')
  expect(read(path)).toBe(simple.replace(`    token: ${token}`, exec))
  expect(statSync(path).mode & 0o777).toBe(0o640)
  expect(readdirSync(home.kube)).toEqual(['config'])
})

test('the answer holds no secret, the diff shows where it was', async () => {
  const path = write(join(home.kube, 'config'), simple)
  const report = await adopt(program, home, [path], { dryRun: true })
  expect(read(path)).toBe(simple)
  expect(await pendingItems(home)).toEqual([])
  expect(report.diff).toContain('-    token: ***\n+    exec:\n')
  expect(JSON.stringify(report)).not.toContain(token)
})

test('adopting again changes nothing', async () => {
  const path = write(join(home.kube, 'config'), simple)
  await adopt(program, home, [path])
  const before = read(path)
  const report = await adopt(program, home, [path])
  expect(report).toMatchObject({ adopted: [], diff: '', left: [{ user: 'alice', because: 'already' }] })
  expect(read(path)).toBe(before)
})

test('a token that kubectl puts beside our entry counts as a secret again', async () => {
  const path = write(join(home.kube, 'config'), simple)
  await adopt(program, home, [path])
  execFileSync('kubectl', ['config', 'set-credentials', 'alice', '--token=a-new-token'], {
    env: { ...process.env, KUBECONFIG: path },
  })
  expect(read(path)).toContain('a-new-token')
  const report = await adopt(program, home, [path])
  expect(report.adopted).toMatchObject([{ user: 'alice' }])
  expect(read(path)).not.toContain('a-new-token')
  expect(await pendingItems(home)).toMatchObject([{ user: 'alice', token: 'a-new-token' }])
})

test('where a vault is missing nothing is changed', async () => {
  await changeHome(['prod'])
  const path = write(join(home.kube, 'config'), simple)
  const report = await adopt(program, home, [path])
  expect(report).toMatchObject({ missingVaults: ['default'], adopted: [], diff: '' })
  expect(read(path)).toBe(simple)
})

const shared = simple.replace(
  'users:\n',
  `- {name: prod-eu, context: {cluster: c, user: alice}} # strict
users:
`,
)

test('a user of two policies is split, and joined again by restore', async () => {
  const path = write(join(home.kube, 'config'), shared)
  const report = await adopt(program, home, [path])
  expect(report.adopted).toMatchObject([
    { user: 'alice', policy: 'default', contexts: ['dev'] },
    { user: 'alice-kubeguard-prod', policy: 'prod', contexts: ['prod-eu'] },
  ])
  const adopted = parse(read(path))
  expect(adopted.contexts[1].context.user).toBe('alice-kubeguard-prod')
  expect(adopted.users[1]).toMatchObject({ name: 'alice-kubeguard-prod', user: { as: 'someone' } })
  const items = await pendingItems(home)
  const results = await restore(program, home, items)
  expect(results.map(({ ok }) => ok)).toEqual([true, true])
  expect(read(path)).toBe(shared)
  expect(readdirSync(home.kube)).toEqual(['config'])
})

test('parts that are ejected one after the other are joined at the end', async () => {
  const path = write(join(home.kube, 'config'), shared)
  await adopt(program, home, [path])
  const [first, second] = await pendingItems(home)
  if (first === undefined || second === undefined) throw new Error('two items are expected')
  expect(await restore(program, home, [second])).toMatchObject([{ ok: true }])
  expect(parse(read(path)).users).toHaveLength(2)
  expect(await restore(program, home, [first])).toMatchObject([{ ok: true }])
  expect(parse(read(path))).toEqual(parse(shared))
  expect(await restore(program, home, [first, second])).toMatchObject([{ ok: true }, { ok: true }])
})

test('a context in one file, its user in another: split across files and joined again', async () => {
  const users = `users: [{name: alice, user: {token: ${token}}}]\n`
  const contexts = `contexts:\n- context: {user: alice}\n  name: dev\n- context: {user: alice}\n  name: prod-1\n`
  const paths = [
    write(join(home.kube, 'a', 'users'), users),
    write(join(home.kube, 'b', 'contexts'), contexts),
  ]
  const report = await adopt(program, home, paths)
  expect(report.adopted.map(({ user }) => user)).toEqual(['alice', 'alice-kubeguard-prod'])
  const [a, b] = paths.map((path) => parse(read(path)))
  expect(a.users.map((user: { name: string }) => user.name)).toEqual(['alice', 'alice-kubeguard-prod'])
  expect(b.contexts.map((entry: { context: { user: string } }) => entry.context.user)).toEqual([
    'alice',
    'alice-kubeguard-prod',
  ])
  const results = await restore(program, home, await pendingItems(home))
  expect(results.every(({ ok }) => ok)).toBe(true)
  expect(parse(read(paths[0] as string))).toEqual(parse(users))
  expect(read(paths[1] as string)).toBe(contexts)
})

test('the first definition of a user wins, the other is adopted for its own file', async () => {
  const [a, b] = [
    write(join(home.kube, 'a'), simple),
    write(join(home.kube, 'b'), simple.replace(token, 'other-token')),
  ]
  const report = await adopt(program, home, [a, b])
  expect(report.adopted).toMatchObject([
    { file: a, user: 'alice' },
    { file: b, user: 'alice' },
  ])
  expect(read(a) + read(b)).not.toMatch(/token-that|other-token/)
  expect(new Set((await pendingItems(home)).map(({ token: held }) => held))).toEqual(
    new Set([token, 'other-token']),
  )
})

test('empty, missing and userless files are nothing to adopt', async () => {
  const empty = write(join(home.kube, 'empty'), '')
  const userless = write(join(home.kube, 'userless'), 'apiVersion: v1\nusers:\n')
  const report = await adopt(program, home, ['/dev/null', join(home.kube, 'none'), empty, userless])
  expect(report).toMatchObject({ adopted: [], left: [], diff: '' })
})

test('a symlink stays one, and its target is replaced', async () => {
  const target = write(join(home.kube, 'real', 'config'), simple)
  const link = join(home.kube, 'link')
  symlinkSync(target, link)
  await adopt(program, home, [link])
  expect(lstatSync(link).isSymbolicLink()).toBe(true)
  expect(read(target)).toContain('kubeguard-credential')
  expect(readdirSync(join(home.kube, 'real'))).toEqual(['config'])
  expect(await pendingItems(home)).toMatchObject([{ file: target }])
  expect(await restore(program, home, await pendingItems(home))).toMatchObject([{ ok: true }])
  expect(read(target)).toBe(simple)
})

test('a key and a certificate in files beside the kubeconfig', async () => {
  const [certificate, key] = makeCertificate(home.root)
  write(join(home.kube, 'pki', 'me.crt'), certificate)
  write(join(home.kube, 'pki', 'me.key'), key)
  const text = simple.replace(
    `    token: ${token}\n`,
    '    client-key: pki/me.key\n    client-certificate: "pki/me.crt"\n',
  )
  const path = write(join(home.kube, 'config'), text)
  const report = await adopt(program, home, [path])
  expect(report.adopted).toMatchObject([{ kind: 'client-certificate', strength: 'local' }])
  const [user] = report.adopted
  expect(user?.expiresAtMs).toBeGreaterThan(Date.now())
  expect(user?.advice).toContain(
    `remove or rotate: ${join(home.kube, 'pki', 'me.key')} still holds the client key`,
  )
  const items = await pendingItems(home)
  expect(items).toMatchObject([{ clientCertificateData: certificate, clientKeyData: key }])
  expect(parse(read(path)).users[0].user).not.toHaveProperty('client-key')

  expect(await restore(program, home, items)).toMatchObject([{ ok: true }])
  expect(parse(read(path))).toEqual(parse(text))

  await adopt(program, home, [path])
  rmSync(join(home.kube, 'pki', 'me.key'))
  await restore(program, home, await pendingItems(home))
  expect(parse(read(path)).users[0].user).toEqual({
    'as': 'someone',
    'client-certificate': 'pki/me.crt',
    'client-key-data': Buffer.from(key).toString('base64'),
  })
})

function makeCertificate(folder: string): [string, string] {
  const [certificate, key] = [join(folder, 'c.pem'), join(folder, 'k.pem')]
  const subject = [
    '-subj',
    '/CN=me',
    '-days',
    '30',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
  ]
  execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  })
  return [read(certificate), read(key)]
}

test('a token file: its content wins over the token, and is put back by name', async () => {
  write(join(home.kube, 'token'), `from-the-file\n`)
  const text = simple.replace(`token: ${token}`, `tokenFile: token\n    token: ${token}`)
  const path = write(join(home.kube, 'config'), text)
  await adopt(program, home, [path])
  const items = await pendingItems(home)
  expect(items).toMatchObject([{ token: 'from-the-file' }])
  expect(read(path)).not.toContain(token)
  await restore(program, home, items)
  expect(parse(read(path))).toEqual(parse(text))
})

test('users that exec can’t replace are left and named', async () => {
  const text = `users:
- name: basic
  user: {username: u, password: p4ssw0rd}
- name: exec
  user: {exec: {command: aws, args: [token]}}
- name: provider
  user: {auth-provider: {name: gcp, config: {access-token: abc}}}
- name: none
  user: {}
- name: refused
  user: {username: u, password: p4ssw0rd, token: t}
- name: broken
  user: {client-certificate: gone.crt, client-key: gone.key}
- name: half
  user: {client-key-data: YWJj}
`
  const path = write(join(home.kube, 'config'), text)
  const report = await adopt(program, home, [path])
  expect(report.adopted).toEqual([])
  expect(report.left.map(({ user, because }) => [user, because])).toEqual([
    ['basic', 'basic'],
    ['exec', 'exec'],
    ['provider', 'auth-provider'],
    ['none', 'none'],
    ['refused', 'basic'],
    ['broken', 'none'],
    ['half', 'none'],
  ])
  expect(read(path)).toBe(text)
})

test('a short-lived token has the strength of the cluster', async () => {
  const exp = Math.floor(Date.now() / 1000) + 900
  const jwt = ['{"alg":"RS256"}', JSON.stringify({ exp }), 'x'].map((part) =>
    Buffer.from(part).toString('base64url'),
  )
  const path = write(join(home.kube, 'config'), simple.replace(token, jwt.join('.')))
  const report = await adopt(program, home, [path])
  expect(report.adopted).toMatchObject([{ strength: 'cluster', expiresAtMs: exp * 1000 }])
})

test('only the named users; an unknown one is an error', async () => {
  const path = write(
    join(home.kube, 'config'),
    `${simple.trimEnd()}\n`.replace('users:\n', 'users:\n- {name: bob, user: {token: bob-token}}\n'),
  )
  const report = await adopt(program, home, [path], { users: ['bob'] })
  expect(report.adopted.map(({ user }) => user)).toEqual(['bob'])
  expect(read(path)).toContain(token)
  expect(read(path)).not.toContain('bob-token')
  expect(await run(program, home, adoptJob(home, [path], { users: ['nobody'] }))).toMatchObject({
    code: 'usage',
  })
})

test('a copy of the token in a comment goes too', async () => {
  const path = write(
    join(home.kube, 'config'),
    simple.replace('    as: someone', `    # old: ${token}\n    as: someone`),
  )
  await adopt(program, home, [path])
  expect(read(path)).not.toContain(token)
  expect(read(path)).toContain('    # old: ***\n')
})

test('values behind aliases are refused with their place, and nothing is changed', async () => {
  const text = `users:\n- name: a\n  user: &base\n    token: ${token}\n- name: b\n  user:\n    <<: *base\n`
  const path = write(join(home.kube, 'config'), text)
  const answer = await run(program, home, adoptJob(home, [path]))
  expect(answer).toMatchObject({ ok: false, code: 'kubeconfig-invalid' })
  expect(JSON.stringify(answer)).toMatch(/config:\d+:\d+: /)
  expect(JSON.stringify(answer)).not.toContain(token)
  expect(read(path)).toBe(text)
})

test('a lock that nobody lets go of is named', async () => {
  const path = write(join(home.kube, 'config'), simple)
  chmodSync(write(`${path}.lock`, ''), 0)
  const answer = await run(program, home, adoptJob(home, [path]))
  expect(answer).toMatchObject({ code: 'kubeconfig-busy', cure: expect.stringContaining(`rm ${path}.lock`) })
  expect(read(path)).toBe(simple)
  expect(readdirSync(home.kube).toSorted()).toEqual(['config', 'config.lock'])
})

test('restore: a file that is gone, a user that is gone, a token that was put beside', async () => {
  const path = write(join(home.kube, 'config'), simple)
  await adopt(program, home, [path])
  const items = await pendingItems(home)
  const adopted = read(path)
  write(path, adopted.replace('    as: someone\n', '    token: newer\n'))
  expect(await restore(program, home, items)).toMatchObject([{ ok: false, code: 'kubeconfig-invalid' }])
  write(path, 'apiVersion: v1\n')
  expect(await restore(program, home, items)).toMatchObject([{ ok: false, code: 'credential-unknown' }])
  rmSync(path)
  expect(await restore(program, home, items)).toMatchObject([{ ok: false, code: 'credential-unknown' }])
  const copy = write(join(home.kube, 'copy'), adopted)
  expect(await restore(program, home, items, [copy])).toMatchObject([{ ok: true }])
  expect(read(copy)).toBe(simple)
})

test('kubectl reads what we write as it was meant', async () => {
  const names = [
    'on',
    '0123',
    '1e3',
    'y',
    'null',
    '~',
    '1_000',
    '0x1F',
    '12:30:45',
    '.inf',
    'a: b',
    '# c',
    'ü',
    '- d',
  ]
  const config = {
    contexts: names.flatMap((name, index) => [
      { name: `dev-${index}`, context: { cluster: 'c', user: name } },
      { name: `prod-${index}`, context: { cluster: 'c', user: name } },
    ]),
    users: names.map((name) => ({ name, user: { token, as: name } })),
  }
  for (const text of [JSON.stringify(config), stringify(config, { version: '1.1' })]) {
    const path = write(join(home.kube, 'config'), text)
    expect((await adopt(program, home, [path])).adopted).toHaveLength(2 * names.length)
    const json = execFileSync('kubectl', ['config', 'view', '--raw', '-o', 'json', '--kubeconfig', path])
    const seen = JSON.parse(json.toString()) as typeof config
    const expected = names.flatMap((name) => [name, `${name}-kubeguard-prod`])
    expect(seen.users.map(({ name }) => name).toSorted()).toEqual(expected.toSorted())
    expect(seen.users.every(({ user }) => names.includes(user.as) && user.token === undefined)).toBe(true)
    expect(new Set(seen.contexts.map(({ context }) => context.user))).toEqual(new Set(expected))
  }
})

test('200 contexts, 900 KB', async () => {
  const entry = (index: number): string =>
    `- name: u${index}\n  user:\n    token: ${'x'.repeat(2200)}${index}\n`
  const context = (index: number): string => `- name: c${index}\n  context: {user: u${index}}\n`
  const indexes = Array.from({ length: 200 }, (_, index) => index)
  const clusters = indexes.map(
    (index) => `- name: c${index}\n  cluster: {server: "https://${'y'.repeat(2200)}"}\n`,
  )
  const text = `clusters:\n${clusters.join('')}contexts:\n${indexes.map(context).join('')}users:\n${indexes.map(entry).join('')}`
  const path = write(join(home.kube, 'config'), text)
  const report = await adopt(program, home, [path])
  expect(report.adopted).toHaveLength(200)
  expect(read(path)).not.toContain('xxxx')
  expect(await restore(program, home, await pendingItems(home))).toHaveLength(200)
  expect(read(path)).toBe(text)
})
